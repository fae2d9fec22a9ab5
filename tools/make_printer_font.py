"""Convert fixed-width bitmap fonts (PCF) into the character generator of the simulated printer.

    python tools/make_printer_font.py ter-u24b_unicode.pcf.gz ter-u16b_unicode.pcf.gz

The fonts are Terminus Font 4.48 as Debian's package `xfonts-terminus` ships it, 12 x 24 for Font A and 8 x 16 for
Font B; bold, because its strokes of two dots are those of a thermal printer. The result is
`firmware_sim/cvconnect_sim/printer/receipt<width>x<height>.bin`: zlib over a header (`>4sBBH`: magic `CVF1`,
width, height, number of glyphs), the sorted code points (16 bits each), then each glyph's rows (16 bits each, the
leftmost dot is the highest of `width` bits). Because the licence reserves the font's name, the result bears
another one.

Source: The X Font Compiled Format, as libXfont reads it (tables METRICS, BITMAPS, BDF_ENCODINGS).
"""

import gzip
import struct
import sys
import zlib
from pathlib import Path

PAGES = ("cp437", "cp850", "cp858", "cp1252", "iso8859-7", "iso8859-15", "latin-1")
INTERNATIONAL = "#$¤@à°ç§é¨ÄÖÜäöüß£ÆØÅæøåÉùòèì₧¡Ñ¿ñ¥áíóú₩"
OUT = Path(__file__).parent.parent / "firmware_sim/cvconnect_sim/printer"

METRICS, BITMAPS, ENCODINGS = 4, 8, 32
NO_GLYPH = 0xFFFF
BIG_ENDIAN, LEFTMOST_IS_HIGHEST, SCAN_UNIT, COMPRESSED_METRICS = 4, 8, 0x30, 0x100


def tables(data: bytes) -> dict[int, bytes]:
    """The tables of a PCF file by type, each beginning with its format word."""
    magic, count = struct.unpack_from("<4sI", data)
    if magic != b"\x01fcp":
        raise SystemExit("not a PCF font")
    entries = (struct.unpack_from("<4I", data, 8 + 16 * index) for index in range(count))
    return {kind: data[offset : offset + size] for kind, _, size, offset in entries}


def glyph_boxes(table: bytes) -> list[tuple[int, int, int, int]]:
    """Left bearing, right bearing, ascent and descent of each glyph."""
    form = struct.unpack_from("<I", table)[0]
    order = ">" if form & BIG_ENDIAN else "<"
    if form & COMPRESSED_METRICS:
        count = struct.unpack_from(f"{order}H", table, 4)[0]
        rows = struct.iter_unpack("5B", table[6 : 6 + 5 * count])
        return [(left - 128, right - 128, up - 128, down - 128) for left, right, _, up, down in rows]
    count = struct.unpack_from(f"{order}I", table, 4)[0]
    rows = struct.iter_unpack(f"{order}5hH", table[8 : 8 + 12 * count])
    return [(left, right, up, down) for left, right, _, up, down, _ in rows]


def glyph_images(table: bytes, count: int, width: int, height: int) -> list[list[int]]:
    """The rows of each glyph, as integers of `width` bits."""
    form = struct.unpack_from("<I", table)[0]
    order = ">" if form & BIG_ENDIAN else "<"
    padding: int = 1 << (form & 3)
    if not form & LEFTMOST_IS_HIGHEST or form & SCAN_UNIT:
        raise SystemExit("only fonts stored byte by byte, the leftmost dot in the highest bit, are read")
    offsets: tuple[int, ...] = struct.unpack_from(f"{order}{count}I", table, 8)
    bits = table[8 + 4 * count + 16 :]
    stride: int = -(-width // (8 * padding)) * padding

    def row(at: int) -> int:
        return int.from_bytes(bits[at : at + stride]) >> (8 * stride - width)

    return [[row(offset + stride * y) for y in range(height)] for offset in offsets]


def characters(table: bytes) -> dict[int, int]:
    """Code point -> glyph number."""
    form = struct.unpack_from("<I", table)[0]
    order = ">" if form & BIG_ENDIAN else "<"
    low_first, low_last, high_first, high_last, _ = struct.unpack_from(f"{order}5H", table, 4)
    columns = low_last - low_first + 1
    found: dict[int, int] = {}
    for index in range(columns * (high_last - high_first + 1)):
        glyph = struct.unpack_from(f"{order}H", table, 14 + 2 * index)[0]
        if glyph != NO_GLYPH:
            found[(high_first + index // columns) << 8 | (low_first + index % columns)] = glyph
    return found


def wanted() -> set[int]:
    """Every code point that a page or a national variant of the printer can name."""
    pages = (bytes(range(0x20, 0x100)).decode(page, "ignore") for page in PAGES)
    return {ord(char) for char in "".join((*pages, INTERNATIONAL)) if char.isprintable() or char == "\xa0"}


def convert(path: Path) -> None:
    """Read one font and write its character generator."""
    found = tables(gzip.decompress(path.read_bytes()))
    boxes = glyph_boxes(found[METRICS])
    sizes = {(right - left, up + down) for left, right, up, down in boxes}
    if len(sizes) != 1:
        raise SystemExit(f"{path.name}: not a fixed-width font")
    width, height = sizes.pop()
    images = glyph_images(found[BITMAPS], len(boxes), width, height)
    encoding = characters(found[ENCODINGS])
    points = sorted(wanted() & encoding.keys())
    rows = b"".join(struct.pack(f">{height}H", *images[encoding[point]]) for point in points)
    header = struct.pack(">4sBBH", b"CVF1", width, height, len(points))
    out = OUT / f"receipt{width}x{height}.bin"
    out.write_bytes(zlib.compress(header + struct.pack(f">{len(points)}H", *points) + rows, 9))
    missing = "".join(map(chr, sorted(wanted() - encoding.keys())))
    print(f"{out.name}: {len(points)} glyphs, {out.stat().st_size} bytes, not in the font: {missing!r}")


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        convert(Path(argument))
