"""Makes the files of this folder, and `expected.json` with what each must come in as; written by hand here, not read off Hone.

    python3 make.py        (Python 3.11, Pillow 10 for the pictures)

Each case is one file. `rows` = `items` + `duplicates` + lost rows; `classes` counts the items that carry a label, those of
duplicates included only where they carry another label; `notes` is how many remarks there are at least.
"""

import io
import json
import pathlib
import unicodedata
import zipfile

from PIL import Image, ImageDraw

HERE = pathlib.Path(__file__).parent
EXPECTED = {}
NOUNS = ["pillow", "kettle", "ferry", "museum", "garden", "harbour", "bakery"]
WORDS = ["warm", "crisp", "tidy", "dull", "cold", "rude", "gentle"]


def text(n, tail=""):
    return f"The {NOUNS[n % 7]} was {WORDS[n * 3 % 7]} and rather {WORDS[(n * 5 + 1) % 7]} on visit {n}{tail}"


def label(n):
    return ["bad", "good"][n % 2]


def case(name, content, kind="text", rows=12, items=None, duplicates=0, classes="half", notes=0, held_out=0, hidden=0, **more):
    data = content.encode() if isinstance(content, str) else content
    (HERE / name).write_bytes(data)
    items = rows - duplicates if items is None else items
    if classes == "half":
        classes = {"bad": (items + 1) // 2, "good": items // 2}
    EXPECTED[name] = dict(kind=kind, rows=rows, items=items, duplicates=duplicates, lost=rows - items - duplicates,
                          classes=classes or {}, notes=notes, held_out=held_out, hidden=hidden, **more)


def table(row, header="text,label", n=12, end="\n"):
    lines = ([header] if header is not None else []) + [row(i) for i in range(n)]
    return end.join(lines) + end


def zipped(files, code_page=None):
    """A zip; with a code page, its names are that page's bytes, unflagged, as old programs wrote them."""
    out = io.BytesIO()
    names = {}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for n, (name, data) in enumerate(files):
            stored = name
            if code_page:
                raw = name.encode(code_page)
                stored = f"{n:04d}".ljust(len(raw), "#")
                names[stored.encode()] = raw
            z.writestr(zipfile.ZipInfo(stored, (2024, 1, 1, 0, 0, 0)), data)
    data = out.getvalue()
    for stored, raw in names.items():
        data = data.replace(stored, raw)
    return data


def picture(n, kind="PNG", size=(24, 24), **options):
    image = Image.new("RGB", size, (30 * n % 255, 90, 200 - 20 * n % 200))
    draw = ImageDraw.Draw(image)
    if n % 2:
        draw.ellipse((4, 4, 8 + n, 8 + n), fill=(250, 240, 10 * n % 255))
    else:
        draw.rectangle((2, 3, 6 + n, 9 + n), fill=(10 * n % 255, 20, 250))
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


# Delimiters, line ends, encodings.
case("comma.csv", table(lambda n: f"{text(n)},{label(n)}"))
case("semicolon.csv", table(lambda n: f"{text(n, ', indeed')};{label(n)}", "text;label"))
case("tab.tsv", table(lambda n: f"{text(n, ', indeed')}\t{label(n)}", "text\tlabel"))
case("pipe.csv", table(lambda n: f"{text(n, ', indeed')}|{label(n)}", "text|label"))
case("crlf.csv", table(lambda n: f"{text(n)},{label(n)}", end="\r\n"))
case("cr.csv", table(lambda n: f"{text(n)},{label(n)}", end="\r"))
case("utf8-mark.csv", "\ufeff" + table(lambda n: f"{text(n)},{label(n)}"))
case("utf16le.csv", ("\ufeff" + table(lambda n: f"{text(n)} über,{label(n)}")).encode("utf-16-le"))
case("utf16be.csv", ("\ufeff" + table(lambda n: f"{text(n)} über,{label(n)}")).encode("utf-16-be"))
case("latin1.csv", table(lambda n: f"Das Café an der Straße war schön, Nummer {n};{label(n)}", "text;label").encode("cp1252"))
case("shift-jis.csv", table(lambda n: f"この枕は{n}番目の訪問では暖かくて、とても清潔でした,{label(n)}").encode("shift_jis"))
case("sep-comma.csv", "sep=,\r\n" + table(lambda n: f"{text(n)},{label(n)}", end="\r\n"))
case("sep-semicolon.csv", "sep=;\r\n" + table(lambda n: f"{text(n)};{label(n)}", "text;label", end="\r\n"))
case("sep-tab.csv", "sep=\t\r\n" + table(lambda n: f"{text(n)}\t{label(n)}", "text\tlabel", end="\r\n"))
case("comments.csv", "# exported by a program\n# on a Monday, at noon\n" + table(lambda n: f"{text(n)},{label(n)}"))
case("comment-header.tsv", "# exported\n#text\tlabel\n" + table(lambda n: f"{text(n)}\t{label(n)}", None))

# Quotation marks.
case("quoted.csv", table(lambda n: f'"{text(n, ", indeed")}","{label(n)}"', '"text","label"'))
case("doubled-quotes.csv", table(lambda n: f'"so ""{text(n)}"" it said",{label(n)}'))
case("backslash-quotes.csv", table(lambda n: '"\\"%s\\", it said",%s' % (text(n), label(n))))
case("inches.csv", table(lambda n: f'a {n}" pipe. {text(n)},{label(n)}'))
case("leading-inches.csv", table(lambda n: ('"%d inch pipe. ' % n if n in (8, 9) else "") + f"{text(n)},{label(n)}"))
case("open-quote.csv", table(lambda n: ('"' if n == 7 else "") + f"{text(n)},{label(n)}"), notes=0)
case("open-and-closed-later.csv", table(lambda n: ('"' if n == 3 else "") + text(n) + ('"' if n == 9 else "") + f",{label(n)}"))
case("open-quote.tsv", table(lambda n: ('"' if n == 3 else "") + text(n) + ('"' if n == 9 else "") + f"\t{label(n)}", "text\tlabel"))
case("one-line-of-many.csv", table(lambda n: f'"{text(n)}\nand more, of it\nand a third",{label(n)}'))
case("stray-among-quoted.csv", table(lambda n: f'"{text(n)}, {n}",{label(n)}' if n != 5 else f'"{text(n)},{label(n)}', n=24), rows=24)
case("blank-before-quote.csv", table(lambda n: f'{n}, "{text(n, ", indeed")}", {label(n)}', "id, text, label"))
case("line-breaks.csv", table(lambda n: f'"{text(n)}\nand a second line, no. {n}",{label(n)}'))
case("trailing-all.csv", table(lambda n: f"{text(n)},{label(n)},", "text,label,"))
case("trailing-rows.csv", table(lambda n: f"{text(n)},{label(n)},"))
case("one-extra.csv", table(lambda n: f"{text(n)},{label(n)}" + (",extra" if n == 4 else "")), items=11,
     classes={"bad": 5, "good": 6})
case("short-rows.csv", table(lambda n: f"{n},{text(n)},{label(n)}" if n != 6 else f"{n},{text(n)}", "id,text,label"),
     classes={"bad": 5, "good": 6}, notes=1)
case("r-row-names.csv", table(lambda n: f'"{n}","{text(n)}","{label(n)}"', '"text","label"'))
case("blank-lines.csv", table(lambda n: f"{text(n)},{label(n)}").replace("\n", "\n\n"))

# Headers.
case("no-header.csv", table(lambda n: f'{label(n)},"{text(n)}"', None))
case("no-header-numbers.csv", table(lambda n: f"{n * 7 % 13}.5,{n * 5 % 11},{label(n)}", None), kind="table")
case("years-header.csv", table(lambda n: f"{label(n)},{n}.5,{n * 3 % 7}.5", "label,1990,1991"), kind="table")
case("sms.txt", table(lambda n: f"{label(n)}\t{text(n)}", None))
case("semicolon.txt", table(lambda n: f"{text(n)};{label(n)}", "text;label"))
case("lines.txt", table(lambda n: text(n, ', "indeed'), None), classes=None)

# JSON.
objects = [{"text": text(n), "label": label(n)} for n in range(12)]
case("lines.jsonl", "".join(json.dumps(o) + "\n" for o in objects))
case("array.json", json.dumps(objects))
case("array-pretty.json", json.dumps(objects, indent=2))
case("objects-pretty.json", "\n".join(json.dumps(o, indent=2) for o in objects))
case("wrapped.json", json.dumps({"version": "1.0", "data": objects}, indent=1))
case("nan.jsonl", "".join(json.dumps({**o, "score": float("nan") if n % 2 else 0.5}) + "\n" for n, o in enumerate(objects)))
case("big-integers.jsonl", "".join('{"id": 1234567890123456789%04d, "text": "%s", "label": "%s"}\n' % (n, text(n), label(n)) for n in range(12)),
     first_extra={"id": "12345678901234567890000"})
case("broken-line.jsonl", "".join(json.dumps(o) + "\n" for o in objects[:5]) + '{"text": "broken\n' +
     "".join(json.dumps(o) + "\n" for o in objects[5:]), rows=13, items=12)
case("doccano.jsonl", "".join(json.dumps({"id": n, "text": text(n), "label": [label(n)] if n % 4 else []}) + "\n" for n in range(12)),
     classes={"bad": 3, "good": 6})
case("doccano-several.jsonl", "".join(json.dumps({"id": n, "text": text(n), "label": [label(n)] if n != 2 else ["bad", "good"]}) + "\n"
                                      for n in range(12)), classes={"bad": 5, "good": 6}, notes=1)
case("argilla.jsonl", "".join(json.dumps({"id": str(n), "fields": {"text": text(n)}, "metadata": {"source": "a"}, "suggestions": {},
                                          "responses": {"label": [{"value": label(n), "user_id": "u"}]}}) + "\n" for n in range(12)))
case("prodigy.jsonl", "".join(json.dumps({"text": text(n), "_input_hash": n, "options": [{"id": "bad"}, {"id": "good"}],
                                          "accept": [label(n)] if n != 3 else [], "answer": "accept" if n != 3 else "ignore"}) + "\n" for n in range(12)),
     classes={"bad": 6, "good": 5})
case("label-studio.json", json.dumps([{"id": n, "data": {"text": text(n)}, "predictions": [],
                                       "annotations": [] if n == 5 else [{"completed_by": 1 + n % 2, "result": [
                                           {"from_name": "sentiment", "type": "choices", "value": {"choices": [label(n)]}}]}]}
                                      for n in range(12)]), classes={"bad": 6, "good": 5})
case("deep.jsonl", json.dumps(objects[0]) + "\n" + '{"text": "deep", "deep": ' + "[" * 10000 + "]" * 10000 + ', "label": "good"}\n' +
     "".join(json.dumps(o) + "\n" for o in objects[1:]), rows=13, classes={"bad": 6, "good": 7})

# Labels.
case("classes-60.csv", table(lambda n: f"{text(n)},class {n % 60}", "text,category", n=180), rows=180,
     classes={f"class {n}": 3 for n in range(60)})
case("classes-300.csv", table(lambda n: f"{text(n)},class {n % 300},{n * 7 % 5}", "text,label,stars", n=900), rows=900,
     classes={f"class {n}": 3 for n in range(300)})
case("blanks.csv", table(lambda n: f"{text(n)},{['bad', 'good'][n % 2]}{['', ' ', chr(0xa0), chr(0x200b)][n // 2 % 4]}"), notes=1)
case("cases.csv", table(lambda n: f"{text(n)},{['bad', 'Good', 'bad', 'good', 'BAD', 'good'][n % 6]}"), notes=1)
case("nfc-nfd.csv", table(lambda n: f"{text(n)}," + unicodedata.normalize(["NFC", "NFD"][n // 2 % 2], ["café", "thé"][n % 2])),
     classes={"café": 6, "thé": 6}, notes=1)
case("unlabelled.csv", table(lambda n: text(n), "text"), classes=None)
case("half-labelled.csv", table(lambda n: f"{text(n)},{label(n) if n < 6 else ''}"), classes={"bad": 3, "good": 3})
case("leading-zeros.csv", table(lambda n: f"{n:05d},{n * 7 % 5},{n * 1.5},{label(n)}", "code,size,length,label"), kind="table")
case("penguins.csv", table(lambda n: f"{['Dream', 'Biscoe'][n // 2 % 2]},{30 + n}.{n},{label(n)}", "island,length,species"), kind="table")

# The same twice.
case("duplicates.csv", table(lambda n: f"{text(n % 10)},{label(n % 10)}"), duplicates=2, classes={"bad": 5, "good": 5}, notes=2)
case("conflict.csv", table(lambda n: f"{text(n % 10)},{label(n % 10) if n != 11 else 'bad'}"), duplicates=2,
     classes={"bad": 6, "good": 5}, notes=2)

# Train and test.
case("split.csv", table(lambda n: f"{text(n)},{['train', 'train', 'test', 'val'][n // 2 % 4]},{label(n)}", "text,split,label"), held_out=4)
case("train-test.zip", zipped([(f"set/{part}.csv", table(lambda n: f"{text(n + at)},{label(n)}")) for at, part in [(0, "train"), (50, "test")]]),
     rows=24, held_out=12)

# Odd ones.
case("empty.csv", "", kind="table", rows=1, items=0, classes=None)
case("header-only.csv", "text,label\n", kind="table", rows=0, items=0, classes=None, notes=1)
case("one-class.csv", table(lambda n: f"{text(n)},good"), classes={"good": 12}, notes=1)
case("binary.csv", bytes(range(256)) * 4, kind="table", rows=1, items=0, classes=None)
case("unknown.xyz", "what is this", kind="image", rows=1, items=0, classes=None)
case("wide.csv", table(lambda n: ",".join(str((n * 7 + c) % 13) for c in range(1000)) + f",{label(n)}",
                       ",".join(f"c{c}" for c in range(1000)) + ",label"), kind="table")

# Folders.
folder = [(f"set/{['disc', 'bars'][n % 2]}/{n}.png", picture(n)) for n in range(10)]
discs = {"disc": 5, "bars": 5}
case("folders.zip", zipped(folder), kind="image", rows=10, classes=discs)
case("no-extension.zip", zipped([(name[:-4], data) for name, data in folder]), kind="image", rows=10, classes=discs)
case("hidden.zip", zipped(folder + [("set/disc/.ipynb_checkpoints/0.png", picture(11)), ("set/disc/@eaDir/0.png/SYNOFILE_THUMB_M.png", picture(12)),
                                    ("set/.git/objects/ab/1.png", picture(13)), ("__MACOSX/set/disc/._0.png", b"x"), ("set/Thumbs.db", b"x"),
                                    ("set/$RECYCLE.BIN/2.png", picture(14)), ("set/.thumbnails/3.png", picture(15)), ("set/.DS_Store", b"x")]),
     kind="image", rows=10, classes=discs, hidden=8)
case("nested.zip", zipped([(f"set/{['disc', 'bars'][n % 2]}/{2019 + n // 5}/{n}.png", picture(n)) for n in range(10)]), kind="image", rows=10, classes=discs)
case("train-test-folders.zip", zipped([(f"set/{['train', 'test'][n // 6]}/{['disc', 'bars'][n % 2]}/{n}.png", picture(n)) for n in range(10)]),
     kind="image", rows=10, classes=discs, held_out=4)
case("metadata.zip", zipped([(f"set/{n}.png", picture(n)) for n in range(10)] +
                            [("set/metadata.csv", table(lambda n: f"{n}.png,{['disc', 'bars'][n % 2]},{n}", "file_name,label,shot", n=11))]),
     kind="image", rows=10, classes=discs, notes=1)
case("metadata-jsonl.zip", zipped([(f"set/images/{n}.png", picture(n)) for n in range(10)] +
                                  [("set/metadata.jsonl", "".join(json.dumps({"file_name": f"images/{n}.png", "label": ["disc", "bars"][n % 2]}) + "\n" for n in range(10)))]),
     kind="image", rows=10, classes=discs)
case("same-picture.zip", zipped(folder + [("set/bars/again.png", picture(0))]), kind="image", rows=11, duplicates=1,
     classes={"disc": 5, "bars": 6}, notes=1)
case("mixed.zip", zipped(folder + [("set/notes.docx", b"PK"), ("set/disc/empty.png", b""), ("set/disc/not-a-picture.png", b"<html></html>")]),
     kind="image", rows=13, items=10, classes=discs)
case("texts.zip", zipped([(f"mail/{['ham', 'spam'][n % 2]}/{n}.txt", text(n)) for n in range(10)]), rows=10, classes={"ham": 5, "spam": 5})
case("names-shift-jis.zip", zipped([(f"set/{['猫', '犬'][n % 2]}/{n}.txt", text(n)) for n in range(10)], "shift_jis"), rows=10,
     classes={"猫": 5, "犬": 5})
case("names-dos.zip", zipped([(f"set/{['Käse', 'Brötchen'][n % 2]}/{n}.txt", text(n)) for n in range(10)], "cp437"), rows=10,
     classes={"Käse": 5, "Brötchen": 5})
case("names-nfd.zip", zipped([(unicodedata.normalize(["NFC", "NFD"][n // 2 % 2], f"set/{['café', 'thé'][n % 2]}/{n}.txt"), text(n)) for n in range(12)]),
     classes={"café": 6, "thé": 6}, notes=0)
case("encodings.zip", zipped([("set/a.csv", table(lambda n: f"{text(n)} über,{label(n)}")),
                              ("set/b.csv", table(lambda n: f"{text(n + 50)} über;{label(n)}", "text;label").encode("cp1252"))]), rows=24)

(HERE / "expected.json").write_text(json.dumps(EXPECTED, indent=1, ensure_ascii=False, sort_keys=True) + "\n")
names = sorted(EXPECTED)
(HERE / "cases.rs").write_text("&[\n" + "".join(f'    ("{n}", include_bytes!("{n}")),\n' for n in names) + "]\n")
print(len(names), "cases")
