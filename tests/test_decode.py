"""Charsets: where they are found, which source wins, what is refused."""

from __future__ import annotations

import random
import time

import pytest

from soupstate.model.page.decode import Decoded, EmptyPage, NotText, Undecodable, decode

RUSSIAN = (
    "<html><head><title>Расписание</title></head><body><p>Пригородный поезд отправляется с "
    "третьего пути в восемь часов утра, билеты продаются в кассе вокзала и "
    "у кондуктора.</p></body></html>"
)
JAPANESE = (
    "<html><body><h1>商店街のお知らせ</h1><p>今週の土曜日は朝から古本市を開きます。"
    "雨の場合は日曜日に延期しますので、ご注意ください。</p></body></html>"
)
GERMAN = (
    "<html><body><p>Die Öffnungszeiten der Bücherei ändern sich: Wir schließen künftig früher, "
    "dafür öffnen wir samstags für alle Schüler und ihre Großeltern.</p></body></html>"
)
CHINESE = (
    "<html><body><h1>夜間渡輪恢復航行</h1><p>港務局表示,停靠碼頭兩個冬天之後,夜間渡輪將於星期五再次啟航,"
    "並在兩個島嶼停靠。船票在碼頭和船上都可以購買。</p></body></html>"
)
KOREAN = (
    "<html><body><h1>야간 여객선 운항 재개</h1><p>두 번의 겨울을 부두에서 보낸 야간 여객선이 금요일에 다시 "
    "출항한다고 항만 사무소가 밝혔습니다. 표는 부두와 배에서 살 수 있습니다.</p></body></html>"
)
POLISH = (
    "<html><body><p>Nocny prom wraca na morze. Jeśli pogoda się utrzyma, statek wypłynie w piątek, a książki i gazety "
    "będą sprzedawane także na pokładzie. Ścieżka do przystani już otwarta, światła świecą całą noc.</p></body></html>"
)
GREEK = (
    "<html><body><p>Άνοιξε ξανά το νυχτερινό πλοίο για τα νησιά. Άλλα δρομολόγια θα ανακοινωθούν την Παρασκευή από το "
    "λιμεναρχείο, και τα εισιτήρια πωλούνται στην αποβάθρα.</p></body></html>"
)
HEBREW = "<html><body><p>המעבורת הלילית חוזרת להפליג ביום שישי, כך הודיע משרד הנמל. הכרטיסים נמכרים במזח.</p></body>"
THAI = "<html><body><p>เรือข้ามฟากกลางคืนจะกลับมาให้บริการอีกครั้งในวันศุกร์นี้ ตั๋วมีขายที่ท่าเรือและบนเรือ</p></body>"
TURKISH = (
    "<html><body><p>Gece vapuru iki kış sonra yeniden yola çıkıyor. Biletler iskelede ve gemide satılıyor, bisikletler "
    "ücretsiz taşınıyor. Hava güzel olursa ışıklar bütün gece açık kalacak, dağlar bile görünecek.</p></body></html>"
)


def meta(charset: str, rest: str = "<p>x</p>") -> str:
    return f'<html><head><meta charset="{charset}"></head><body>{rest}</body></html>'


def test_header_wins_over_meta() -> None:
    body = meta("utf-8", "<p>Москва</p>").encode("cp1251")
    found = decode(body, 'text/html; Charset="Windows-1251"')
    assert found == Decoded(body.decode("cp1251"), "windows-1251", "header")


def test_byte_order_mark_wins_over_header_and_stays() -> None:
    body = b"\xef\xbb\xbf<p>\r\n\xc3\xa9\r</p>"
    assert decode(body, "text/html; charset=koi8-r") == Decoded("\ufeff<p>\r\né\r</p>", "utf-8", "bom")


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_wide_charsets_by_mark(codec: str) -> None:
    text = "\ufeff" + meta("utf-8", "<p>żółw 🐢</p>")
    found = decode(text.encode(codec))
    assert (found.text, found.charset, found.source) == (
        text,
        codec.replace("-", "", 2).replace("utf", "utf-"),
        "bom",
    )


def test_utf16_without_mark() -> None:
    text = meta("utf-16", "<p>naïve</p>")
    assert decode(text.encode("utf-16-le")) == Decoded(text, "utf-16le", "detected")
    assert decode(text.encode("utf-16-be"), "text/html; charset=utf-16be").source == "header"
    assert decode(text.encode(), "text/html; charset=utf-16") == Decoded(text, "utf-8", "meta")


@pytest.mark.parametrize(
    ("label", "codec", "name", "text"),
    [
        ("iso-8859-1", "cp1252", "windows-1252", "<p>„straße“ – 5 €</p>"),
        ("latin1", "cp1252", "windows-1252", "<p>café</p>"),
        ("gb2312", "gb18030", "gbk", "<p>镕基 汉语 㐂</p>"),
        ("x-sjis", "cp932", "shift_jis", "<p>①髙橋</p>"),
        ("ks_c_5601-1987", "cp949", "euc-kr", "<p>똠방각하</p>"),
        ("big5", "big5hkscs", "big5", "<p>臺灣</p>"),
        ("x-x-big5", "big5hkscs", "big5", "<p>臺灣</p>"),
        ("KOI8-R", "koi8-r", "koi8-r", "<p>Привет</p>"),
        ("iso-8859-8-i", "iso8859-8", "iso-8859-8-i", "<p>שלום</p>"),
    ],
)
def test_labels_mean_what_browsers_take_them_for(label: str, codec: str, name: str, text: str) -> None:
    page = meta(label, text)
    assert decode(page.encode(codec)) == Decoded(page, name, "meta")


def test_meta_in_its_spellings() -> None:
    for tag in (
        "<META HTTP-EQUIV=Content-Type CONTENT='text/html; charset=windows-1251'>",
        "<meta content='text/html;charset = windows-1251' http-equiv=content-type>",
        "<!-- <meta charset=utf-8> --><meta charset=windows-1251 />",
        "<title>a</title>" + "<!-- x -->" * 200 + "<meta charset=cp1251>",
    ):
        page = f"<html><head>{tag}</head><p>Ёлка</p>"
        assert decode(page.encode("cp1251")) == Decoded(page, "windows-1251", "meta"), tag
    xml = '<?xml version="1.0" encoding="windows-1251"?><html><p>Ёлка</p>'
    assert decode(xml.encode("cp1251")) == Decoded(xml, "windows-1251", "meta")


def test_charset_in_the_body_is_no_declaration() -> None:
    page = "<html><head></head><body>" + "a" * 2000 + '<meta charset="koi8-r">é</body></html>'
    assert decode(page.encode()) == Decoded(page, "utf-8", "detected")


def test_wrong_declarations_fall_through() -> None:
    body = meta("windows-1251", "<p>Привет, мир, это не та кодировка</p>").encode("cp1251")
    assert decode(body, "text/html; charset=utf-8").source == "meta"
    assert decode(body, "text/html; charset=no-such-charset").source == "meta"
    lying = meta("utf-8", RUSSIAN).encode("cp1251")
    assert decode(lying, "text/html; charset=utf-8") == Decoded(lying.decode("cp1251"), "windows-1251", "detected")


def test_declarations_that_the_bytes_contradict_lose() -> None:
    """A Cyrillic page in UTF-8 is valid windows-1251, and one in windows-1251 is valid windows-1252."""
    for charset in ("windows-1251", "iso-8859-1", "koi8-r", "gbk"):
        page = meta(charset, RUSSIAN)
        assert decode(page.encode(), f"text/html; charset={charset}") == Decoded(page, "utf-8", "detected")
    latin = meta("iso-8859-1", RUSSIAN)
    assert decode(latin.encode("cp1251")) == Decoded(latin, "windows-1251", "detected")
    german = meta("iso-8859-1", GERMAN)
    assert decode(german.encode("cp1252")) == Decoded(german, "windows-1252", "meta")
    one = meta("windows-1252", "<p>Ã©</p>")  # might be what the page wants to say
    assert decode(one.encode("cp1252")) == Decoded(one, "windows-1252", "meta")


def test_a_mark_is_not_contradicted() -> None:
    body = "\ufeff<p>Привет".encode("utf-16-le")
    assert decode(body, "text/html; charset=iso-8859-1").source == "bom"


def test_a_few_bad_bytes_do_not_fail_a_page() -> None:
    page = meta("utf-8", "<p>" + "déjà vu " * 200 + "</p>").encode()
    broken = page[:-30] + b"\xff\xfe" + page[-30:]
    found = decode(broken)
    assert (found.charset, found.source, found.text.count("\ufffd")) == ("utf-8", "meta", 2)
    # cut inside a character: the last one is bad
    cut = page[: page.rindex(b"\xc3") + 1]
    assert decode(cut).text.endswith("\ufffd")


@pytest.mark.parametrize(
    ("text", "codec", "name"),
    [
        (RUSSIAN, "cp1251", "windows-1251"),
        (RUSSIAN, "koi8-r", "koi8-r"),
        (JAPANESE, "cp932", "shift_jis"),
        (JAPANESE, "euc_jp", "euc-jp"),
        (CHINESE, "gb18030", "gb18030"),
        (CHINESE, "big5hkscs", "big5"),
        (KOREAN, "cp949", "euc-kr"),
        (POLISH, "cp1250", "windows-1250"),
        (POLISH, "iso8859_2", "iso-8859-2"),
        (GREEK, "cp1253", "windows-1253"),
        (GREEK, "iso8859_7", "iso-8859-7"),
        (HEBREW, "cp1255", "windows-1255"),
        (THAI, "cp874", "windows-874"),
        (TURKISH, "cp1254", "windows-1254"),
        (JAPANESE, "iso2022_jp", "iso-2022-jp"),
        (GERMAN, "cp1252", "windows-1252"),
        (GERMAN, "utf-8", "utf-8"),
        ("<p>Send us your résumés</p><p>© 2011 Smith</p>", "cp1252", "windows-1252"),
        ("<p>£5, 25°C</p>", "cp1252", "windows-1252"),
        ("<p>plain</p>", "ascii", "utf-8"),
    ],
)
def test_detection(text: str, codec: str, name: str) -> None:
    assert decode(text.encode(codec), "text/html") == Decoded(text, name, "detected")


@pytest.mark.parametrize("body", [b"", b" \r\n\t", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_empty(body: bytes) -> None:
    with pytest.raises(EmptyPage):
        decode(body)


@pytest.mark.parametrize(
    "body",
    [
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3",
        b"\x89PNG\r\n\x1a\n\x00\x00",
        b"\x1f\x8b\x08\x00abc",
        b"RIFF\x01\x02\x03\x04WEBPVP8 ",
        b"<p>a\x00b</p>",
        b"<p>" + b"\x01\x02 text " * 100,
        random.Random(5).randbytes(4096),
    ],
)
@pytest.mark.parametrize("content_type", [None, "text/html; charset=windows-1252"])
def test_binary_is_refused(body: bytes, content_type: str | None) -> None:
    with pytest.raises(NotText):
        decode(body, content_type)


def test_stray_nul_late_in_a_long_page_passes() -> None:
    text = "<p>" + "words " * 500 + "\x00</p>"
    assert decode(text.encode()).text == text


def test_undecodable() -> None:
    noise = bytes(random.Random(7).choices(range(0x80, 0x100), k=4000))
    with pytest.raises(Undecodable):
        decode(b"<p>" + noise, "text/html; charset=utf-8")
    with pytest.raises(Undecodable):
        decode(b"\xff\xfe" + b"\x00\xd8" * 300)


def test_text_always_encodes() -> None:
    surrogates = b"<p>" + b"words " * 100 + b"\xed\xa0\x80</p>"
    text = decode(surrogates, "text/html; charset=utf-8").text
    assert text.encode().decode() == text


@pytest.mark.timed
@pytest.mark.parametrize("unit", [b"<meta ", b"<meta charset", b"<!--", b"<meta\n", b"<?xml "])
def test_unclosed_markup_takes_little_time(unit: bytes) -> None:
    page = unit * (40_000 // len(unit)) + b"x"
    start = time.process_time()
    assert decode(page).text == page.decode()
    assert time.process_time() - start < 0.2
