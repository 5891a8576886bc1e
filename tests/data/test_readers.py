"""Whatever holds interactions can be read; a bad row is named and costs no good one."""

from __future__ import annotations

import contextlib
import csv
import gzip
import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

import penchant as pt
from penchant import kernels
from penchant.data import frames, text_files
from penchant.errors import DataError, ParameterError, UntypableError, UsageError

ROWS = [("ann", "tea", 5.0), ("bob", "jam", 2.0), ("ann", "jam", 4.0)]


def _file(tmp_path: Path, content: str | bytes, name: str = "data.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def _read(path: Path, **options) -> pt.Interactions:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pt.PenchantNotice)
        return pt.read(path, **options)


def _triples(data: pt.Interactions) -> list[tuple]:
    table = data.columns()
    value = "rating" if "rating" in table else "value"
    return list(zip(*(table[name].tolist() for name in ("user_id", "item_id", value)), strict=True))


# Forms ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|", "::"])
@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_delimited_files(tmp_path, delimiter, header, end, mark):
    """Any usual delimiter, with or without header, line ends of both kinds, a byte order mark."""
    lines = [["user", "item", "rating"]] * header + [[u, i, str(v)] for u, i, v in ROWS]
    text = end.join(delimiter.join(line) for line in lines) + end
    assert _triples(_read(_file(tmp_path, mark + text.encode()))) == ROWS


def test_gzip(tmp_path):
    text = "user,item,rating\n" + "".join(f"{u},{i},{v}\n" for u, i, v in ROWS)
    assert _triples(_read(_file(tmp_path, gzip.compress(text.encode()), "data.csv.gz"))) == ROWS


def test_json_lines(tmp_path):
    """Ids keep their JSON type; a line that is no object is rejected by number."""
    lines = [
        json.dumps({"user_id": 1, "item_id": "00123", "rating": 5}),
        "{broken",
        "",
        json.dumps([1, 2]),
        json.dumps({"user_id": 2, "item_id": "x", "rating": 3}),
    ]
    data = _read(_file(tmp_path, "\n".join(lines), "events.jsonl"))
    assert _triples(data) == [(1, "00123", 5), (2, "x", 3)]
    assert [(one.line, one.reason.split(":")[0]) for one in data.rejected] == [
        (2, "no JSON"),
        (4, "not a JSON object"),
    ]


def test_parquet(tmp_path):
    path = tmp_path / "data.parquet"
    columns = {"userId": [7, 7, None], "movieId": ["a", "b", "c"], "rating": [5.0, None, 3.0]}
    pq.write_table(pa.table(columns), path)
    data = _read(path)
    assert _triples(data) == [(7, "a", 5.0)]
    assert [one.reason for one in data.rejected] == ["the value is missing", "the id is missing"]


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow", "lazy"])
def test_frames_of_any_library_come_back_in_it(library):
    """Columns out are in the caller's frame library."""
    columns = {
        "customer_id": ["ann", "bob", "ann"],
        "sku": ["tea", "jam", "jam"],
        "stars": [5, 2, 4],
    }
    frame = {
        "pandas": lambda: pd.DataFrame(columns),
        "polars": lambda: pl.DataFrame(columns),
        "pyarrow": lambda: pa.table(columns),
        "lazy": lambda: pl.LazyFrame(columns),
    }[library]()
    data = pt.read(frame)
    assert _triples(data) == ROWS
    assert data.kind == "ratings"
    table = pt.Popularity().fit(data.likes()).recommend(["ann", "bob"], n=1)
    native = {
        "pandas": pd.DataFrame,
        "polars": pl.DataFrame,
        "lazy": pl.DataFrame,
        "pyarrow": pa.Table,
    }
    assert isinstance(table.to_native(), native[library])


def test_a_frame_with_gaps_and_the_frame_stays_as_it_was():
    """Whole floats become integers; rows without an id are rejected by position."""
    frame = pd.DataFrame({"user_id": [1.0, None, 3.0], "item_id": [5, 6, 7]})
    before = frame.copy()
    with pytest.warns(pt.PenchantNotice, match=r"1 of 3 rows could not be read \(first: row 1"):
        data = pt.read(frame)
    assert data.users.ids() == [1, 3]
    pd.testing.assert_frame_equal(frame, before)


def test_categories_datetimes_and_time_zones_in_frames():
    frame = pd.DataFrame(
        {
            "user": pd.Categorical(["a", "b"]),
            "item": ["x", "y"],
            "when": pd.to_datetime(["2026-01-01T12:00+02:00", "2026-01-02T00:00+02:00"], utc=True),
        }
    )
    data = pt.read(frame, time="when")
    assert data.columns()["timestamp"].astype(str).tolist() == [
        "2026-01-01T10:00:00.000000",
        "2026-01-01T22:00:00.000000",
    ]


def test_plain_python():
    assert _triples(pt.read(ROWS)) == ROWS
    assert pt.read([["tea", "jam"], ["jam"]]).columns()["user_id"].tolist() == [0, 0, 1]
    assert pt.read({"ann": ["tea"], "bob": ["jam"]}).users.ids() == ["ann", "bob"]
    timed = pt.read([("a", "x", 1, 100), ("a", "y", 1, 50)])
    assert timed.items.ids(timed.histories.items) == ["y", "x"]
    with pytest.raises(UsageError, match="cannot be read as interactions"):
        pt.read([1, 2, 3])
    with pytest.raises(UsageError, match="tuples must all be"):
        pt.read([("a", "x"), ("a", "x", 1)])


def test_scipy_csr_with_and_without_ids():
    matrix = csr_array(np.array([[0, 5], [3, 0]]))
    assert _triples(pt.read(matrix, kind="ratings")) == [(0, 1, 5), (1, 0, 3)]
    named = pt.read((matrix, ["ann", "bob"], ["tea", "jam"]), kind="ratings")
    assert _triples(named) == [("ann", "jam", 5), ("bob", "tea", 3)]
    with pytest.raises(UsageError, match="the matrix is 2 × 2"):
        pt.read((matrix, ["ann"], ["tea", "jam"]))


# Columns ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names",
    ["userId,movieId,rating,timestamp", "user_id:token,item_id:token,rating:float,timestamp:float",
     "Customer ID,SKU,Stars,created_at", "visitor,product,score,ts"],
)  # fmt: skip
def test_usual_names_are_recognised_and_shown(tmp_path, names):
    data = _read(_file(tmp_path, f"{names}\n1,2,3,978300760\n1,3,5,978300761\n"))
    first, second, third, fourth = names.split(",")
    assert f"user <- {first} (named so)" in data.notes
    assert f"item <- {second} (named so)" in data.notes
    assert f"value <- {third} (named so)" in data.notes
    assert f"time <- {fourth} (named so)" in data.notes
    assert "time read as seconds since 1970" in data.notes
    assert data.kind == "ratings"


def test_columns_can_be_overridden_by_name_or_position(tmp_path):
    path = _file(tmp_path, "a,b,c\nann,tea,1\nbob,jam,2\n")
    with pytest.raises(
        UsageError, match=r"no column is known to hold the users, got \['a', 'b', 'c'\]"
    ):
        pt.read(path)
    assert _triples(_read(path, user="a", item="b"))[0] == ("ann", "tea", 1)
    assert _triples(_read(path, user=1, item=0))[0] == ("tea", "ann", 1)
    with pytest.raises(UsageError, match=r"no column for user, got 'aa'. Did you mean 'a'"):
        pt.read(path, user="aa", item="b")


def test_two_columns_that_fit_equally_are_asked_about(tmp_path):
    path = _file(tmp_path, "user,sku,product\nann,1,tea\n")
    with pytest.raises(
        UsageError, match=r"several columns could hold the items: sku, product.*item='sku'"
    ):
        pt.read(path)
    assert _read(path, item="product").items.ids() == ["tea"]


def test_event_types_become_values(tmp_path):
    text = "user,item,event\nann,tea,view\nann,jam,purchase\nbob,tea,dislike\nbob,jam,teleport\n"
    path = _file(tmp_path, text)
    data = _read(path, weights={"view": 1, "purchase": 5, "dislike": -1})
    assert _triples(data) == [("ann", "tea", 1), ("ann", "jam", 5), ("bob", "tea", -1)]
    assert data.kind == "likes"
    assert data.rejected[0].reason == "type 'teleport' has no weight"
    assert any("column event not used" in note for note in _read(path).notes)
    with pytest.raises(UsageError, match=r"The types are: dislike, purchase, teleport, view"):
        pt.read(path, weights={"buy": 1})


@pytest.mark.parametrize(
    ("cells", "micros"),
    [
        (["978300760", "978300761"], [978300760000000, 978300761000000]),
        (["978300760000", "978300761000"], [978300760000000, 978300761000000]),
        (["978300760000000", "978300761000000"], [978300760000000, 978300761000000]),
        (["978300760000000000", "978300761000000000"], [978300760000000, 978300761000000]),
        (["1970-01-01", "1970-01-02"], [0, 86400000000]),
        (["1970-01-01T00:00:01Z", "1970-01-01 00:00:02.5"], [1000000, 2500000]),
        (["01/01/1970", "13/01/1970"], [0, 12 * 86400000000]),
        (["01/01/1970", "01/13/1970"], [0, 12 * 86400000000]),
    ],
)
def test_times(tmp_path, cells, micros):
    text = "user,item,time\n" + "".join(f"u{k},i,{cell}\n" for k, cell in enumerate(cells))
    data = _read(_file(tmp_path, text))
    assert data.columns()["timestamp"].astype(np.int64).tolist() == micros
    assert any(note.startswith("time read as") for note in data.notes)


def test_ids_by_their_rules(tmp_path):
    """00123 and 2**70 keep a column text; clean numbers become integers."""
    data = _read(_file(tmp_path, f"user,item\n00123,{2**70}\n7,8\n"))
    assert data.users.ids() == ["00123", "7"]
    assert data.items.ids() == [str(2**70), "8"]
    assert _read(_file(tmp_path, "user,item\n123,-8\n")).users.ids() == [123]
    mixed = pt.read([(1, "a"), ("x", "b")])
    assert mixed.users.ids() == ["1", "x"]
    assert "user ids mix numbers and text: read as text" in mixed.notes


# Bad rows ---------------------------------------------------------------------------------------

BAD = '''user,item,rating
ann,tea,5
bob,jam
bob,jam,3,extra
"ann,jam,4
,tea,1
bob,  ,2
bob,tea,nan
bob,tea,inf
bob,tea,lots
bob,tea,
"ann","said ""hi""",2

cat,"jam, plum",3
'''


def test_every_bad_row_is_named_and_no_good_row_is_lost(tmp_path):
    path = _file(tmp_path, BAD)
    with pytest.warns(pt.PenchantNotice) as notices:
        data = pt.read(path)
    assert _triples(data) == [("ann", "tea", 5), ("ann", 'said "hi"', 2), ("cat", "jam, plum", 3)]
    expected = [
        (3, None, "2 columns where there should be 3"),
        (4, None, "4 columns where there should be 3"),
        (5, None, "a quote is never closed"),
        (6, "user", "the id is missing"),
        (7, "item", "the id is missing"),
        (8, "rating", "the value 'nan' is no finite number"),
        (9, "rating", "the value 'inf' is no finite number"),
        (10, "rating", "the value 'lots' is no finite number"),
        (11, "rating", "the value is missing"),
    ]
    assert [(one.line, one.column, one.reason) for one in data.rejected] == expected
    assert len(notices) == 1
    assert "9 of 12 rows could not be read" in str(notices[0].message)
    assert "first: line 3: 2 columns where there should be 3" in str(notices[0].message)
    with (tmp_path / "data.rejects.csv").open() as file:
        written = list(csv.DictReader(file))
    assert [int(row["line"]) for row in written] == [line for line, _, _ in expected]
    assert written[2]["text"] == '"ann,jam,4'


def test_rejects_go_where_they_are_asked_to_and_need_not_be_writable(tmp_path):
    path = _file(tmp_path, "user,item\nann,tea\n,jam\n")
    with pytest.warns(pt.PenchantNotice, match=r"elsewhere\.csv"):
        pt.read(path, rejects=tmp_path / "elsewhere.csv")
    assert (tmp_path / "elsewhere.csv").exists()
    with pytest.warns(pt.PenchantNotice, match="could not be written"):
        data = pt.read(path, rejects=tmp_path / "no" / "such" / "folder.csv")
    assert len(data) == 1


def test_a_quoted_field_over_several_lines_is_one_field(tmp_path):
    data = _read(_file(tmp_path, 'user,item,note\nann,tea,"two\nlines"\nbob,jam,x\n,x,y\n'))
    assert data.users.ids() == ["ann", "bob"]
    assert [one.line for one in data.rejected] == [5]


def test_latin1_is_read_and_said(tmp_path):
    data = _read(_file(tmp_path, "user,item\nJosé,thé\n".encode("latin-1")))
    assert data.users.ids() == ["José"]
    assert any("Latin-1" in note for note in data.notes)


def test_control_characters_and_very_long_ids_are_rejected(tmp_path):
    text = f"user,item\nann,te\0a\nann,{'x' * 600}\nann,ok\n"
    data = _read(_file(tmp_path, text))
    assert [one.reason for one in data.rejected] == [
        "the id holds a control character",
        "the id is longer than 512 bytes",
    ]
    surrogate = _read_python([("ann", "\ud800"), ("ann", "ok")])
    assert surrogate.rejected[0].reason == "the id is no valid text"


def _read_python(rows) -> pt.Interactions:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pt.PenchantNotice)
        return pt.read(rows)


def test_repeated_header_names_are_told_apart(tmp_path):
    data = _read(_file(tmp_path, "user,item,user\nann,tea,zzz\n"))
    assert data.users.ids() == ["ann"]


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        ("", "empty.csv", "the file is empty"),
        ("\n\n", "blank.csv", "the file is empty"),
        ("user,item\n,\n,x\n", "nothing.csv", r"no row could be read \(line 2: the id is missing"),
        (b"PAR1 not really", "bad.parquet", "not a readable Parquet file"),
        (b"\x1f\x8b\x08broken", "bad.csv.gz", "cannot be read"),
        ("", "empty.jsonl", "the file is empty"),
    ],
)
def test_files_with_nothing_to_read(tmp_path, content, name, message):
    path = _file(tmp_path, content, name)
    with pytest.raises(DataError, match=message) as error:
        pt.read(path)
    assert name in str(error.value) or "no row" in str(error.value)


def test_paths_that_are_no_files(tmp_path):
    _file(tmp_path, "user,item\na,b\n", "purchases.csv")
    with pytest.raises(DataError, match=r"no such file\. Did you mean 'purchases\.csv'"):
        pt.read(tmp_path / "purchase.csv")
    with pytest.raises(
        DataError, match=r"a folder is read only if it is MovieLens.*purchases\.csv"
    ):
        pt.read(tmp_path)
    with pytest.raises(UsageError, match="databases are not read by this version") as error:
        pt.read("postgresql://ann:secret@db/shop")
    assert "secret" not in str(error.value)


def test_a_header_alone_has_no_interactions(tmp_path):
    data = _read(_file(tmp_path, "user,item\n"))
    assert len(data) == 0
    with pytest.raises(DataError, match="nothing to learn from"):
        pt.ItemKNN().fit(data)


CELL = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).filter(
    str.strip
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=12))
def test_what_a_csv_writer_writes_is_read_back(tmp_path, rows):
    """Quotes, delimiters, spaces, any script: as the standard library writes them."""
    path = tmp_path / "written.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerows([("user_id", "item_id"), *rows])
    data = _read(path)
    got = list(
        zip(*(map(str, data.columns()[c].tolist()) for c in ("user_id", "item_id")), strict=True)
    )
    assert got == rows


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=300))
def test_no_bytes_end_in_anything_but_data_or_a_complaint(tmp_path, content):
    path = _file(tmp_path, b"user,item\nann,tea\n" + content)
    try:
        data = _read(path)
    except pt.PenchantError:
        return
    assert len(data) >= 1


def test_a_path_is_one_file_whatever_its_characters(tmp_path):
    """``[1]`` and ``*`` in a name do not stand for other files."""
    _file(tmp_path, "user,item\nwrong,x\n", "r1.csv")
    assert pt.read(_file(tmp_path, "user,item\nright,x\n", "r[1].csv")).users.ids() == ["right"]
    for name, who in (("p1.parquet", "wrong"), ("p[1].parquet", "right")):
        pq.write_table(pa.table({"user": [who], "item": ["x"]}), tmp_path / name)
    assert pt.read(tmp_path / "p[1].parquet").users.ids() == ["right"]


def test_a_column_plays_one_role(tmp_path):
    path = _file(tmp_path, "user_id,movie\nann,tea\n")
    with pytest.raises(UsageError, match="one column cannot play two roles, got 'movie'"):
        pt.read(path, user="movie", item="movie")
    with pytest.raises(UsageError, match="no column is known to hold the users"):
        pt.read(_file(tmp_path, "user_id,movie,x\nann,tea,1\n"), item=0)


def test_json_arrays_and_packed_json(tmp_path):
    rows = [{"user": "a", "item": 1}, {"user": "b", "item": 2}]
    assert len(pt.read(_file(tmp_path, json.dumps(rows), "events.json"))) == 2
    lines = "\n".join(map(json.dumps, rows)).encode()
    assert len(pt.read(_file(tmp_path, gzip.compress(lines), "events.jsonl.gz"))) == 2
    with pytest.raises(DataError, match=r"no line is a JSON object \(no JSON"):
        pt.read(_file(tmp_path, "user,item\n", "wrong.jsonl"))


def test_values_in_mappings_are_kept_and_text_is_no_list_of_likes():
    assert _triples(pt.read({"ann": {"tea": 5, "jam": 2, "pie": 3}}))[1] == ("ann", "jam", 2)
    with pytest.raises(
        UsageError, match=r"read\['ann'\]: likes must be a list of items, got 'tea'"
    ):
        pt.read({"ann": "tea"})


@pytest.mark.parametrize(
    "empty", [pd.DataFrame({"user": [], "item": []}), csr_array((0, 0)), [], {}], ids=type
)
def test_empty_sources_are_empty_interactions(empty):
    assert len(pt.read(empty)) == 0


def test_films_beside_that_are_about_other_items_are_no_failure(tmp_path):
    _file(tmp_path, "movieId,title,genres\n1,Up,Comedy\n", "movies.csv")
    data = pt.read(_file(tmp_path, "userId,movieId,rating\nu,zzz,4\nu,yyy,1\n", "ratings.csv"))
    assert data.facts is None
    assert any("movies.csv beside it not used" in note for note in data.notes)


def test_a_text_taken_for_a_path_says_so():
    with pytest.raises(UsageError, match="a text is taken for a path"):
        pt.read("user,item\n1,2\n" * 500)


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(b"user,item\na,b\n" * 50)[:40],
        gzip.compress(b"user,item\na,b\n" * 50)[:-9] + b"123456789",
        b"\xff\xfeu\0s\0e",
        b'user,item\na,"' + b"x" * 200_000 + b'"\n',
        b'user,item\na,"b\rc"\nd,e\n',
    ],
    ids=["cut gzip", "damaged gzip", "odd UTF-16", "a huge field", "a bare return"],
)
def test_damage_ends_in_data_or_a_complaint(tmp_path, content):
    with contextlib.suppress(pt.PenchantError):
        assert _read(_file(tmp_path, content)) is not None


def test_dates_written_as_eight_digits(tmp_path):
    data = _read(_file(tmp_path, "user,item,date\na,b,20240131\nc,d,20231201\n"))
    assert data.columns()["timestamp"].astype("datetime64[D]").astype(str).tolist() == [
        "2024-01-31", "2023-12-01",
    ]  # fmt: skip


def test_a_frame_with_a_column_twice():
    frame = pd.DataFrame([[1, 2, 3]], columns=["user", "item", "user"])
    with pytest.raises(DataError, match="the frame cannot be read"):
        pt.read(frame)


def test_numbers_beyond_floats_and_kinds_that_are_none():
    assert _read_python([("a", "b", 10**400), ("a", "c", 1)]).rejected[0].column == "2"
    with pytest.raises(ParameterError, match="kind must be likes or ratings, got 'stars'"):
        pt.read(ROWS, kind="stars")
    with pytest.raises(ParameterError, match="weights must be numbers"):
        pt.read(pd.DataFrame({"user": [1], "item": [2], "event": ["v"]}), weights={"v": "x"})
    with pytest.raises(UntypableError, match=r"position 1.*got nan"):
        pt.Interactions.from_columns(np.array([1.0, np.nan]), np.array([1, 2]))


INCHES = """user,item,rating,title
ann,1,5,12" vinyl
bob,2,4,tea
cat,3,3,jam
dan,1,2,12" vinyl
eve,2,1,"open
fay,3,4,7" LP
gus,1,5,"closed"
"""


def test_a_quote_inside_a_field_is_an_ordinary_character(tmp_path):
    """And one that opens a field is closed properly, or costs its own line only."""
    data = _read(_file(tmp_path, INCHES))
    assert data.users.ids() == ["ann", "bob", "cat", "dan", "fay", "gus"]
    assert [(one.line, one.reason) for one in data.rejected] == [(6, "a quote is never closed")]


@pytest.mark.parametrize("cells", [["", ""], ["Jan 2, 2020", "Feb 3, 2021"]])
def test_a_column_of_times_that_tells_none_is_not_used(tmp_path, cells):
    text = "user,item,date\n" + "".join(f"u{k},i,{json.dumps(c)}\n" for k, c in enumerate(cells))
    data = _read(_file(tmp_path, text))
    assert len(data) == 2
    assert data.histories.times is None
    assert any(note.startswith("time not used") for note in data.notes)


def test_a_missing_time_keeps_its_row(tmp_path):
    """Such rows come first in their history, and back as missing."""
    data = _read(_file(tmp_path, "user,item,time\nann,tea,978300760\nann,jam,\nann,pie,nan\n"))
    assert data.items.ids(data.histories.items) == ["jam", "pie", "tea"]
    assert np.isnat(data.columns()["timestamp"]).tolist() == [False, True, True]
    assert "2 rows without a time come first" in " ".join(data.notes)
    assert "2000-12-31" in data.describe()
    faded = pt.Popularity(half_life=10).fit(data).scores(history=["tea"])
    assert faded.tolist() == [1.0, 0.0, 0.0]
    assert pt.read([("a", "x", 1, 5)], time=False).histories.times is None


def test_rare_columns_of_json_do_not_take_over(tmp_path):
    lines = [
        {"user": "a", "item": "x"},
        {"user": "b", "item": "y"},
        {"user": "c", "item": "z", "user_id": 9},
    ]
    data = pt.read(_file(tmp_path, "\n".join(map(json.dumps, lines)), "events.jsonl"))
    assert data.users.ids() == ["a", "b", "c"]


def test_tuples_are_what_is_documented_however_large():
    """The third is the value, also where it could be a time."""
    data = pt.read([("a", "x", 1_500_000_000), ("b", "y", 1_600_000_000)])
    assert data.histories.times is None
    assert data.histories.values[0] == 1_500_000_000


def test_columns_left_over_are_named(tmp_path):
    data = _read(_file(tmp_path, "reviewerID,asin,overall\na,x,5\nb,y,3\n"))
    assert "not used: overall; value='overall' to use it" in data.notes
    assert _read(tmp_path / "data.csv", value="overall", kind="ratings").kind == "ratings"


def test_decimal_commas(tmp_path):
    data = _read(_file(tmp_path, "user;item;rating\na;x;4,5\nb;y;3\nc;z;1,200\n"))
    assert data.histories.values.tolist() == [4.5, 3]
    assert data.rejected[0].reason == "the value '1,200' is no finite number"
    assert any("commas read as decimal points, such as '4,5'" in note for note in data.notes)


def test_lines_that_end_in_a_bare_return(tmp_path):
    assert _triples(_read(_file(tmp_path, "user,item,rating\rann,tea,5\rbob,jam,2\r"))) == [
        ("ann", "tea", 5), ("bob", "jam", 2),
    ]  # fmt: skip


def test_columns_and_records_in_plain_python():
    columns = {"user": ["ann", "bob", "ann"], "item": ["tea", "jam", "jam"], "rating": [5, 2, 4]}
    assert _triples(pt.read(columns)) == ROWS
    records = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    assert _triples(pt.read(records)) == ROWS
    with pytest.raises(DataError, match="columns must be equally long"):
        pt.read({"user": ["a"], "item": ["x", "y"]})


def test_pandas_missing_values_and_numbered_columns():
    frame = pd.DataFrame({"user": pd.array([1, None, 3], dtype="Int64"), "item": ["x", "y", "z"]})
    with pytest.warns(pt.PenchantNotice, match="1 of 3 rows"):
        assert pt.read(frame).users.ids() == [1, 3]
    numbered = pd.DataFrame([["ann", "tea", 5], ["bob", "jam", 2]])
    assert pt.read(numbered).users.ids() == ["ann", "bob"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04rest", "a zip or Excel file"),
        (b"ann tea 5\nbob jam 2\n", "no delimiter divides the file into columns, got 'ann tea 5'"),
    ],
)
def test_files_of_other_kinds_are_told(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        pt.read(_file(tmp_path, content))
    with pytest.raises(UsageError, match="web addresses are not fetched"):
        pt.read("https://example.org/ratings.csv")


def test_excels_separator_line(tmp_path):
    data = _read(_file(tmp_path, "sep=;\nuser;item\nann;tea\n;x\n"))
    assert data.users.ids() == ["ann"]
    assert data.rejected[0].line == 4


def test_one_bad_byte_costs_its_line_not_every_accent(tmp_path):
    text = "user,item\nann,café\nbob,thé\n".encode() + b"eve,\xff\n"
    data = _read(_file(tmp_path, text))
    assert data.items.ids() == ["café", "thé"]
    assert [(one.line, one.reason) for one in data.rejected] == [(4, "the id is no valid text")]


def test_a_file_of_another_kind_is_not_replaced_by_rejects(tmp_path):
    (tmp_path / "data.rejects.csv").write_text("my own notes")
    with pytest.warns(pt.PenchantNotice, match="a file of another kind is there"):
        pt.read(_file(tmp_path, "user,item\nann,tea\n,x\n"))
    assert (tmp_path / "data.rejects.csv").read_text() == "my own notes"


def test_matrices_want_distinct_ids():
    with pytest.raises(UsageError, match="user ids of a matrix must be distinct"):
        pt.read((csr_array(np.eye(2)), ["a", "a"], ["x", "y"]))


def test_weights_want_event_types(tmp_path):
    with pytest.raises(UsageError, match="weights need a column of event types"):
        pt.read(_file(tmp_path, "user,item\na,x\n"), weights={"view": 1})


# Item facts and MovieLens -----------------------------------------------------------------------


def test_item_facts_are_joined_by_overlap(tmp_path):
    facts = _file(
        tmp_path, "code,name,category,price\n7,Tea,hot|drink,3.5\n8,Jam,,2\n", "items.csv"
    )
    data = pt.read([("ann", 7), ("bob", 8)], items=facts)
    assert [data.title(row) for row in range(2)] == ["Tea", "Jam"]
    assert data.facts.tags(0) == ["hot", "drink"]
    assert data.facts.value("price", 0) == 3.5
    assert any("code names 100% of the items" in note for note in data.notes)
    frame = pt.read([("ann", 7)], items=pd.DataFrame({"item_id": [7], "title": ["Tea"]}))
    assert frame.title(0) == "Tea"
    with pytest.raises(DataError, match="no column of the item facts names the items"):
        pt.read([("ann", "zzz")], items={"id": [1], "title": ["x"]})


def test_facts_about_people_are_joined_by_their_ids(tmp_path):
    """A file, a frame or columns; the id by its name; every other column as it is called."""
    file = _file(tmp_path, "Customer ID;age;hobbies\nbob;30;golf|chess\nann;;\n", "people.csv")
    rows = [("ann", 7), ("bob", 8)]
    frame = pd.DataFrame({"user_id": ["bob"], "age": [30], "hobbies": [["golf", "chess"]]})
    for users in (file, frame, {"uid": ["bob"], "age": ["30"], "hobbies": ["golf|chess"]}):
        data = pt.read(rows, users=users)
        assert data.user_facts.value("age", 1) == 30
        assert data.user_facts.value("age", 0) is None
        assert data.user_facts.tags(1, "hobbies") == ["golf", "chess"]
        assert pt.read(pt.read(rows), users=users).user_facts.value("age", 1) == 30
    assert any(
        "Customer ID names 100% of the users; age" in n for n in pt.read(rows, users=file).notes
    )
    assert "user facts: age, hobbies" in pt.read(rows, users=file).describe()
    with pytest.raises(DataError, match=r"users: no column of the user facts names the users"):
        pt.read([(1, 7), (2, 8)], users=frame)
    with pytest.raises(DataError, match="user facts come from a path, a frame or columns"):
        pt.read(rows, users=3)


def test_facts_stay_with_the_people_of_a_part():
    users = {"user": [1, 2], "sex": ["F", "M"]}
    data = pt.read([(1, 7, 5), (2, 7, 4), (2, 8, 1)], kind="ratings", users=users)
    for part in (data.take([1]), data.likes()):
        assert [part.user_facts.value("sex", row) for row in (0, 1)] == ["F", "M"]


@pytest.mark.parametrize(
    ("ratings", "people", "lines", "facts"),
    [
        ("u.data", "u.user", "10|24|M|technician|85711\n11|53|F|other|V4043\n",
         {"age": 24, "gender": "M", "occupation": "technician", "region": "8"}),
        ("ratings.dat", "users.dat", "10::M::25::12::85711\n11::F::1::10::48067-1\n",
         {"gender": "M", "age": 25, "occupation": 12, "region": 8}),
    ],
)  # fmt: skip
def test_people_lie_beside_movielens_ratings(tmp_path, ratings, people, lines, facts):
    """In the folder, beside the file, and given by name; of the zip code the first character."""
    folder = _movielens(tmp_path / "ml", ratings)
    assert pt.read(folder).user_facts is None
    (folder / people).write_text(lines)
    rows = folder / ratings
    for data in (pt.read(folder), pt.read(rows), pt.read(rows, users=folder / people)):
        row = data.users.row(10)
        assert {name: data.user_facts.value(name, row) for name in data.user_facts.columns} == facts
        assert data.facts is not None
    (folder / people).write_text(lines.replace("10", "77").replace("11", "78"))
    strangers = pt.read(folder)
    assert strangers.user_facts is None
    assert any(f"{people} beside it not used" in note for note in strangers.notes)


def _movielens(folder: Path, layout: str) -> Path:
    """Three films and two people, in the files of one MovieLens release."""
    folder.mkdir()
    films = [
        (1, "Toy Story (1995)", "Animation|Comedy"),
        (2, "Amélie (2001)", "Comedy"),
        (3, "unknown", ""),
    ]
    rows = [(10, 1, 5, 881250949), (10, 2, 3, 881250950), (11, 3, 4, 881250951)]
    if layout == "u.data":
        flags = [
            "|".join("1" if g in tags.split("|") else "0" for g in _GENRES) for _, _, tags in films
        ]
        text = "".join(
            f"{i}|{t}|01-Jan-1995||http://x|{f}\n"
            for (i, t, _), f in zip(films, flags, strict=True)
        )
        (folder / "u.item").write_bytes(text.encode("latin-1"))
        (folder / "u.data").write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))
    elif layout == "ratings.dat":
        (folder / "movies.dat").write_bytes(
            "".join(f"{i}::{t}::{g}\n" for i, t, g in films).encode("latin-1")
        )
        (folder / "ratings.dat").write_text(
            "".join("::".join(map(str, row)) + "\n" for row in rows)
        )
    else:
        (folder / "movies.csv").write_text(
            "movieId,title,genres\n" + "".join(f"{i},{t},{g}\n" for i, t, g in films)
        )
        (folder / "ratings.csv").write_text(
            "userId,movieId,rating,timestamp\n"
            + "".join(",".join(map(str, row)) + "\n" for row in rows)
        )
    return folder


_GENRES = [
    "unknown",
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
]


@pytest.mark.parametrize("layout", ["u.data", "ratings.dat", "ratings.csv"])
@pytest.mark.parametrize("whole_folder", [True, False])
def test_movielens_files_as_they_lie(tmp_path, layout, whole_folder):
    """Ratings and films are recognised and joined, by the file or by its folder."""
    folder = _movielens(tmp_path / "ml", layout)
    data = _read(folder if whole_folder else folder / layout)
    assert data.kind == "ratings"
    assert _triples(data) == [(10, 1, 5), (10, 2, 3), (11, 3, 4)]
    assert [data.title(row) for row in range(3)] == ["Toy Story (1995)", "Amélie (2001)", "unknown"]
    assert data.facts.tags(0) == ["Animation", "Comedy"]
    assert data.facts.value("year", 1) == 2001
    assert data.columns()["timestamp"].astype(np.int64)[0] == 881250949_000_000


def test_rejects_that_are_no_text_are_written_nevertheless(tmp_path):
    """A byte that is no UTF-8, in a line that is no row either."""
    path = _file(tmp_path, "user,item\nann,café\nbob,thé\n".encode() + b"eve,\xff,more\n")
    assert len(_read(path)) == 2
    assert r"\udcff" in (tmp_path / "data.rejects.csv").read_text("utf-8")


@pytest.mark.parametrize("name", ["data.parquet", "data.jsonl", "frame"])
def test_a_user_column_is_found_though_most_rows_have_none(tmp_path, name):
    """Most orders of a shop may be by guests: their rows are rejected, the others read."""
    frame = pl.DataFrame({"user": ["ann", None, None], "item": [1, 2, 3], "price": [1, 2, 3]})
    path = tmp_path / name
    if name == "data.parquet":
        frame.write_parquet(path)
    elif name == "data.jsonl":
        frame.write_ndjson(path)
    data = _read(frame if name == "frame" else path)
    assert (data.users.ids(), len(data.rejected)) == (["ann"], 2)


@pytest.mark.parametrize("name", ["data.csv", "data.parquet"])
def test_folders_named_like_partitions_are_only_folders(tmp_path, name):
    """``year=2024/`` in a path is no column, and ``user=x/`` is nobody's id."""
    folder = tmp_path / "year=2024" / "user=zoe"
    folder.mkdir(parents=True)
    frame = pl.DataFrame({"user": ["ann", "bob"], "item": ["tea", "jam"]})
    frame.write_csv(folder / name) if name == "data.csv" else frame.write_parquet(folder / name)
    assert _read(folder / name).users.ids() == ["ann", "bob"]


def test_two_stray_quotes_do_not_swallow_the_rows_between(tmp_path):
    text = 'user,item,rating\nann,"tea,5\nbob,jam,3\ncat,x"\ndan,y,4\n'
    data = _read(_file(tmp_path, text))
    assert data.users.ids() == ["bob", "dan"]
    assert [one.line for one in data.rejected] == [2, 4]


def test_a_bad_row_costs_no_row_that_ends_in_a_delimiter(tmp_path):
    rows = "user,item,rating\nann,tea,5,\nbob,jam,2,\n"
    clean = _triples(_read(_file(tmp_path, rows)))
    data = _read(_file(tmp_path, rows + "cat\n"))
    assert _triples(data) == clean == [("ann", "tea", 5), ("bob", "jam", 2)]
    assert [one.line for one in data.rejected] == [4]


def test_facts_are_attached_to_interactions_already_read():
    data = pt.read(pt.read([("ann", 1)]), items={"id": [1], "title": ["Tea"]})
    assert data.title(0) == "Tea"


def test_a_note_names_only_some_of_many_unused_columns(tmp_path):
    names = [f"c{k}" for k in range(40)]
    data = _read(_file(tmp_path, f"user,item,{','.join(names)}\na,x{',1' * 40}\n"))
    (note,) = [note for note in data.notes if note.startswith("not used")]
    assert "c9 and 30 more" in note


def test_a_first_row_that_could_be_a_header_is_a_row_unless_it_names_columns(tmp_path):
    """One word that may name a column may as well be an item."""
    data = _read(_file(tmp_path, "ann,book\nbob,film\nann,tea\n"))
    assert (len(data), data.items.ids()) == (3, ["book", "film", "tea"])
    assert len(_read(_file(tmp_path, "1,Action\n2,Drama\n"))) == 2
    assert len(_read(_file(tmp_path, "customer_id,thing\nann,tea\n"))) == 1


def test_delimiters_at_the_end_of_lines_are_read_alike_in_every_file(tmp_path):
    rows = "user,item,rating\n1,2,3,,\n2,3,4,,\n2,2,5\n"
    expected = _triples(_read(_file(tmp_path, rows)))
    assert _triples(_read(_file(tmp_path, rows + "\n"))) == expected
    assert len(expected) == 3


def test_a_row_of_nothing_but_tabs_is_a_row(tmp_path):
    data = _read(_file(tmp_path, "user\titem\tx\nann\ttea\t1\n\t\t\n\nbob\tjam\t2\n"))
    assert [one.line for one in data.rejected] == [3]


def test_huge_integers_are_ids_like_others(tmp_path):
    path = _file(tmp_path, json.dumps({"user": 10**400, "item": 1}), "big.jsonl")
    assert _read(path).items.ids() == [1]


def test_titles_that_are_numbers_and_dates_that_are_integers():
    facts = {"item_id": [1, 2], "title": [1984, float("nan")]}
    data = pt.read([("ann", 1), ("ann", 2)], items=facts)
    assert [data.title(row) for row in range(2)] == ["1984", "2"]
    frame = pd.DataFrame({"user": [1, 2], "item": [3, 4], "date": [20240131, 20231201]})
    days = pt.read(frame).columns()["timestamp"].astype("datetime64[D]").astype(str)
    assert days.tolist() == ["2024-01-31", "2023-12-01"]


# Ways to the same table -------------------------------------------------------------------------


def _by_each_way(source: bytes, path, delimiter=",", names=("a", "b"), named=False):
    """What the kernel and the careful way make of the same bytes; the kernel may decline."""
    dialect = text_files._Dialect(
        path, delimiter, list(names), named, "utf-8", (), int(named), unusual=False
    )
    return text_files._plain(source, dialect), text_files._careful(source, dialect)


CELL = st.text(st.sampled_from('017-+. aü"\r'), max_size=4)


@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=8), st.sampled_from(["\n", "\r\n"]))
def test_the_kernel_divides_as_the_careful_way_or_not_at_all(tmp_path_factory, rows, end):
    """Quotes, returns, signs, zeros: either the same cells, or it is left to others."""
    source = end.join(map(",".join, rows)).encode()
    for named in (False, True):
        plain, careful = _by_each_way(source, tmp_path_factory.getbasetemp(), named=named)
        if plain is not None and source:
            assert not careful.rejected
            assert list(plain.lines) == list(careful.lines)
            for got, wanted in zip(plain.texts().values(), careful.texts().values(), strict=True):
                assert got.tolist() == wanted.tolist()


@pytest.mark.parametrize("threads", [1, 2, 7])
@pytest.mark.parametrize("delimiter", [",", "::"])
def test_large_files_are_divided_in_parts_as_in_one(tmp_path, threads, delimiter):
    rng = np.random.default_rng(0)
    rows = [
        (str(n), f"ü{n % 900}", "" if n % 7 else "x y", f'"{n % 5}"' if delimiter == "," else "4.5")
        for n in rng.integers(-(2**62), 2**62, 40_000).tolist()
    ]
    source = "\r\n".join(map(delimiter.join, rows)).encode()
    kernels.set_threads(threads)
    try:
        plain, careful = _by_each_way(source, tmp_path, delimiter, "abcd")
    finally:
        kernels.set_threads(None)
    assert plain is not None
    assert plain.columns["a"].dtype == np.int64
    for name, cells in careful.texts().items():
        assert plain.texts()[name].tolist() == cells.tolist()
    coded = plain.columns["b"]
    assert (coded.codes == kernels.encode(careful.texts()["b"])[0]).all()


def test_what_a_cell_written_as_an_integer_is(tmp_path):
    """Only what comes back as it was: else the column is text."""
    whole = ["0", "-1", "9223372036854775807", "-9223372036854775808"]
    source = "\n".join(f"{one},x" for one in whole).encode()
    assert _by_each_way(source, tmp_path)[0].columns["a"].tolist() == [int(one) for one in whole]
    for other in ["-0", "007", "+1", "1.0", "1e3", " 1", "", "-", "9223372036854775808", "1_0"]:
        plain, _ = _by_each_way(f"{other},x\n1,y\n".encode(), tmp_path)
        assert plain.texts()["a"].tolist() == [other, "1"]


@pytest.mark.parametrize("arrow", [True, False])
@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame])
def test_columns_of_text_with_gaps_in_frames(library, arrow, monkeypatch):
    """With Arrow or without: a missing id is a rejected row, and ids are in the order they came."""
    if not arrow:
        monkeypatch.setattr(frames, "_arrow_text", lambda series: None)
    frame = library({"user_id": ["b", None, "a", "b"], "item_id": ["x", "y", "", "ü"]})
    with pytest.warns(pt.PenchantNotice, match="2 of 4 rows"):
        data = pt.read(frame)
    assert data.users.ids() == ["b"]
    assert data.items.ids() == ["x", "ü"]
    assert data.sources.tolist() == [0, 3]


@pytest.mark.parametrize("collide", [False, True])
def test_text_in_parquet_by_its_hashes(tmp_path, collide, monkeypatch):
    """None where hashes collide, and then by its cells; columns named like nothing else."""
    if collide:
        monkeypatch.setattr(frames, "_numbered_text", lambda rows, name: None)
    columns = {'user "id"': ["b", None, "a", "b"] * 900, "item": ["x", "y", "z", ""] * 900}
    pq.write_table(pa.table(columns), tmp_path / "data.parquet")
    with pytest.warns(pt.PenchantNotice, match="1,800 of 3,600 rows"):
        data = pt.read(tmp_path / "data.parquet", user='user "id"', item="item")
    assert data.users.ids() == ["b", "a"]
    assert data.items.ids() == ["x", "z"]
    assert data.columns()["item_id"][:4].tolist() == ["x", "z", "x", "z"]
