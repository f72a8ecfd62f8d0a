"""Units that are silent together, side by side: the products of AVX2 leave out groups of four whose levels are all 0.

Of a trained network's levels half are 0, but of groups in the order in which it was trained only one in seventeen is
silent; in the order found here it is one in four. What is read does not depend on the order.
"""

import numpy as np
from numpy.typing import NDArray

GROUP = 4
# Markup of all sorts, for units to show when they are silent.
TEXT = """<!DOCTYPE html>
<html lang="en-GB" class="no-js">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Ferry to the islands &ndash; winter timetable | Harbour Office</title>
<link rel="stylesheet" href="/assets/css/main.min.css?ver=6.2.1" media="all" />
<link rel="canonical" href="https://www.example.org/news/2026/11/ferry-timetable/">
<meta property="og:image" content="https://cdn.example.org/img/ferry-1200x630.jpg">
<style>body{margin:0;font:16px/1.5 "Open Sans",sans-serif}.nav
a:hover{color:#c00}@media(max-width:600px){.side{display:none}}</style>
<script>window.dataLayer=window.dataLayer||[];function gtag(){dataLayer.push(arguments)}gtag('js',new
Date());</script>
<script type="application/ld+json">{"@context":"https://schema.org","@type":"NewsArticle","headline":"Ferry"}</script>
</head>
<body class="post-template single postid-4711">
<!-- header -->
<div id="page" class="site"><header class="site-header"><nav><ul class="menu">
\t<li class="menu-item"><a href="/">Home</a></li>
\t<li class="menu-item current"><a href="/news/" aria-current="page">News</a></li>
\t<li class="menu-item"><a href="/contact.php?id=3&amp;lang=en" rel="nofollow">Contact us</a></li>
</ul></nav><form action="/search" method="get"><input type="text" name="q" value=""><button
type="submit">Search</button></form></header>
<main><article><h1 class="entry-title">Winter timetable</h1>
<p class="meta">By <a href="/author/j-miller" class="author">J. Miller</a>, <time datetime="2026-11-03">3 November
2026</time></p>
<p>After two quiet winters at the quay the <strong>night ferry</strong> sails again on Friday, the office said. It
calls at both
islands, carries bicycles free of charge and, for the <em>first</em> time, takes reservations on board.</p>
<figure><img class="wp-image-88" src="/uploads/2026/11/quay-300x200.jpg" alt="The quay at night" width="300"
height="200"></figure>
<h2>Prices</h2>
<table border="0" cellpadding="2"><tr><th>Ticket</th><th>Price</th></tr><tr><td>Adult</td><td
align="right">12.50&nbsp;&euro;</td></tr>
<tr><td>Child</td><td align="right">6.00&nbsp;&euro;</td></tr></table>
<ol><li>Book a place<br>by telephone</li><li>Come to the pier</li></ol>
<blockquote><p>&ldquo;We had not expected so many people&rdquo;, she said.</p></blockquote>
<pre><code>curl -s https://www.example.org/api/v1/times | head</code></pre>
<div class="share"><a target="_blank"
href="https://www.facebook.com/sharer.php?u=https%3A%2F%2Fwww.example.org%2F"><i class="fa fa-facebook"></i></a>
<svg width="16" height="16" viewBox="0 0 24 24"><path d="M12 2L2 7v10l10 5 10-5V7z"/></svg></div>
</article>
<aside class="side"><h3>Übersicht · 最新消息</h3><ul><li><a href='/de/fahrplan'>Fahrplan für Fähren</a></li><li><a
href="/zh/">渡轮时间表和票价</a></li>
<li><a href="/ru/">Расписание паромов</a></li></ul></aside></main>
<footer><p>&copy; 2026 Harbour Office. All rights reserved. <a href="/privacy">Privacy</a> | <a
href="mailto:info@example.org">E-mail</a></p></footer>
</div>
<noscript><img height="1" width="1" src="https://stats.example.net/p.gif?id=1" /></noscript>
<script src="/assets/js/jquery.min.js" defer></script>
</body>
</html>
"""


def quiet_order(silent: NDArray[np.bool_]) -> NDArray[np.int64]:
    """An order of units (H,) whose groups of GROUP are often silent together, given whether each is (n, H).

    A group begins with the unit that is silent most often of those that are left; then comes, again and again, the one
    that leaves the group silent most often.
    """
    count = silent.astype(np.float32)
    order: list[int] = []
    for place in range(silent.shape[1]):
        if place % GROUP == 0:
            together = np.ones(len(silent), np.float32)
        scores = together @ count
        scores[order] = -1
        order.append(int(scores.argmax()))
        together *= count[:, order[-1]]
    return np.array(order, np.int64)
