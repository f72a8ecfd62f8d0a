"""Names of HTML elements, grouped as this project needs them. Section numbers are those of the WHATWG HTML standard."""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# How an element ends
VOID = _names("area base br col embed hr img input link meta param source track wbr")  # 13.1.2: no content, no end tag
OBSOLETE_VOID = _names("basefont bgsound frame keygen")  # 13.2.6.4: parsers treat these as void too
OPTIONAL_END = _names(  # 13.1.2.4: the end tag may be left out
    "body caption colgroup dd dt head html li optgroup option p rp rt tbody td tfoot th thead tr"
)
ONCE = _names("html head body")  # 13.2.6.4: a second start tag opens nothing

# Text that is no markup
RAW_TEXT = _names("script style xmp iframe noembed noframes")  # 13.2.6: parsers switch to raw text
ESCAPABLE_RAW_TEXT = _names("textarea title")  # 13.1.2: raw text, except for character references
ENDLESS_RAW_TEXT = ("script", "style", "textarea", "title")  # those whose lost end tag hides the rest of a page

# What browsers do not show
UNSEEN = _names("script style template noscript")  # their content is no part of any text
HIDING = _names("head iframe svg")  # their content is in the tree and is not shown
LONG_BODIES = ("script", "style", "svg")  # `skim` cuts the middles of these

# SVG and MathML
FOREIGN = _names("svg math")
INTEGRATION_POINTS = _names("foreignobject desc annotation-xml")  # 13.2.6.2: HTML inside foreign content
BREAKOUT = _names(  # 13.2.6.5: a start tag of these ends foreign content
    "b big blockquote body br center code dd div dl dt em h1 h2 h3 h4 h5 h6 head hr i img li menu nobr ol p pre s "
    "small span strike strong sub sup table tt u ul"
)

# What an element does to the text around it
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
BLOCKS = _names(  # a block of text begins and ends here; elements with an event of their own are not among these
    "address article aside body caption center dd details dialog dir div dl dt fieldset figcaption figure footer form "
    "frameset header hgroup html legend main menu nav optgroup option p search section select summary tbody tfoot "
    "thead textarea"
)
LISTS = _names("ul ol")
STRONG = _names("strong b")
EMPHASIS = _names("em i")
CODE = _names("code tt kbd samp")

# Kinds of elements that the depth cells count, one cell for each kind. Every other element is of kind 0. In good HTML
# no end tag closes two elements of one kind.
COUNTED_KINDS: tuple[frozenset[str], ...] = (
    frozenset(),
    _names("p"),
    _names("li"),
    _names("dd dt option optgroup"),
    _names("td th"),
    _names("tr"),
    frozenset(),  # SVG and MathML with everything inside: there an element may close itself
    _names(
        "a abbr acronym b bdi bdo big cite code del dfn em font i ins kbd label mark nobr q s samp small span strike "
        "strong sub sup time tt u var"
    ),
    _names("ul"),
    _names("ol"),
    _names("dl select menu dir"),
    _names("table"),
    _names("blockquote"),
    _names("div"),
    _names("script style noscript template textarea title"),
    _names("h1 h2 h3 h4 h5 h6"),
)
KIND_NAMES = (
    "other", "p", "li", "dd dt option", "td th", "tr", "svg math", "inline", "ul", "ol", "dl select", "table",
    "blockquote", "div", "script style title", "h1 to h6",
)  # fmt: skip
FOREIGN_KIND = 6
LI_KIND, UL_KIND, OL_KIND, QUOTE_KIND, DIV_KIND = 2, 8, 9, 12, 13
# Kinds whose elements stand in elements of other kinds. How many more of the others are open shows whether one is open
# in the innermost of these.
INNER_KINDS: tuple[tuple[int, tuple[int, ...]], ...] = ((2, (8, 9)), (3, (10,)), (4, (5,)), (5, (11,)))
# Names that the depth layer tells apart. Their order is that of its parameters.
TOLD_APART = tuple(
    "a abbr acronym address area article aside audio b bdi bdo big blockquote body br button canvas caption center "
    "circle cite code col colgroup dd defs del details dfn dir div dl dt em embed fieldset figcaption figure font "
    "footer foreignobject form frame frameset g h1 h2 h3 h4 h5 h6 head header hr html i iframe img input ins kbd label "
    "legend li line link main mark math menu meta nav nobr noframes noscript object ol optgroup option p param path "
    "picture polygon pre q rect s samp script section select small source span stop strike strong style sub summary "
    "sup svg symbol table tbody td template text textarea tfoot th thead time title tr tspan tt u ul use var video "
    "wbr".split()
)

# Names that the standards have: none of them is a misspelt tag
HTML = _names(  # 4.1 to 4.13: every element
    "a abbr address area article aside audio b base bdi bdo blockquote body br button canvas caption cite code "
    "col colgroup data datalist dd del details dfn dialog div dl dt em embed fieldset figcaption figure footer "
    "form h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe img input ins kbd label legend li link main map "
    "mark menu meta meter nav noscript object ol optgroup option output p param picture pre progress q rp rt ruby "
    "s samp script search section select selectedcontent slot small source span strong style sub summary sup "
    "table tbody td template textarea tfoot th thead time title tr track u ul var video wbr"
)
OBSOLETE = _names(  # 16.2 and 13.2.6.4.7: obsolete elements, and others that parsers treat in a way of their own
    "acronym applet basefont bgsound big blink center command content dir font frame frameset image isindex "
    "keygen layer listing marquee menuitem multicol nextid nobr noembed noframes noindex nolayer plaintext rb rbc "
    "rtc shadow spacer strike tt xmp"
)
SVG = _names(  # SVG 2, appendix F, with the fonts and colours of SVG 1.1; in lower case
    "a altglyph altglyphdef altglyphitem animate animatecolor animatemotion animatetransform circle clippath "
    "color-profile cursor defs desc discard ellipse feblend fecolormatrix fecomponenttransfer fecomposite "
    "feconvolvematrix fediffuselighting fedisplacementmap fedistantlight fedropshadow feflood fefunca fefuncb "
    "fefuncg fefuncr fegaussianblur feimage femerge femergenode femorphology feoffset fepointlight "
    "fespecularlighting fespotlight fetile feturbulence filter font font-face font-face-format font-face-name "
    "font-face-src font-face-uri foreignobject g glyph glyphref hatch hatchpath hkern image line lineargradient "
    "marker mask mesh meshgradient meshpatch meshrow metadata missing-glyph mpath path pattern polygon polyline "
    "radialgradient rect set solidcolor stop style svg switch symbol text textpath title tref tspan unknown use "
    "view vkern"
)
MATHML = _names(  # MathML Core, and the content elements of MathML 3 that pages use
    "annotation annotation-xml apply ci cn csymbol eq maction maligngroup malignmark math menclose merror mfenced "
    "mfrac mglyph mi mlabeledtr mlongdiv mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow ms "
    "mscarries mscarry msgroup msline mspace msqrt msrow mstack mstyle msub msubsup msup mtable mtd mtext mtr "
    "munder munderover none semantics"
)
STANDARD = HTML | OBSOLETE | SVG | MATHML

# What the search for faults knows
COMMON = _names(  # names that a misspelt one may have been meant to be
    "a abbr article aside b body br button center code dd div dl dt em fieldset font footer form h1 h2 h3 h4 h5 h6 "
    "head header hr html i iframe img input label legend li link main meta nav ol option p path pre script section "
    "select small span strong style sub sup svg table tbody td textarea tfoot th thead title tr u ul"
)
MULTILINE = _names(  # elements that people write over several lines
    "a article aside blockquote center dl div fieldset figure footer form header li main nav ol p section select span "
    "table tbody td th thead tr ul"
)
PARENT = {"td": "tr", "th": "tr", "tr": "table", "li": "ul", "option": "select", "dt": "dl", "dd": "dl"}
PARENTS = {  # 4.4, 4.9, 4.10: elements that may stand in the place of that parent
    "tr": _names("tr"),
    "table": _names("table tbody thead tfoot"),
    "ul": _names("ul ol menu"),
    "select": _names("select optgroup datalist"),
    "dl": _names("dl div"),
}
