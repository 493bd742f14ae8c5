"""The command line: every verb, every exit code, results on stdout and talk on stderr."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import subprocess
import sys
import termios
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result
from rich.cells import cell_len

from her2kg.cli import main
from her2kg.model.queries import question_names
from her2kg.settings import SETTINGS
from tests.conftest import ROOT
from tests.editing import set_cell

_HER2KG = [sys.executable, "-m", "her2kg"]
_DRUG = "https://w3id.org/her2kg/id/drug/afatinib"


@pytest.fixture
def run(built: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """Give a runner whose settings name the real build."""
    monkeypatch.setenv("HER2KG_BUILD", str(built))
    return CliRunner()


def _ask(run: CliRunner, *words: str, sent: str | bytes | None = None) -> Result:
    return run.invoke(main, list(words), input=sent)


def _fine(run: CliRunner, *words: str, sent: str | bytes | None = None) -> str:
    result = _ask(run, *words, sent=sent)
    assert result.exit_code == 0, result.output
    return result.stdout


def _refused(run: CliRunner, *words: str, code: int, sent: str | bytes | None = None) -> str:
    """Give what was said on stderr; stdout must be empty, and no traceback shown."""
    result = _ask(run, *words, sent=sent)
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert isinstance(result.exception, SystemExit)
    return result.stderr


def _csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def _process(*words: str, built: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "HER2KG_BUILD": str(built), **more}
    return subprocess.run([*_HER2KG, *words], capture_output=True, text=True, env=environ, check=False)


def _on_a_terminal(*words: str, built: Path, columns: int = 80, **more: str) -> tuple[str, int]:
    """Run on a terminal of 80 columns; give what it shows, with its control codes, and the exit code."""
    above, below = pty.openpty()
    termios.tcsetwinsize(below, (40, columns))
    environ = {
        name: value
        for name, value in os.environ.items()
        if name not in {"NO_COLOR", "COLUMNS", "FORCE_COLOR"}
    }
    environ |= {"HER2KG_BUILD": str(built), "TERM": "xterm-256color", **more}
    with subprocess.Popen(
        [*_HER2KG, *words], stdin=below, stdout=below, stderr=below, env=environ
    ) as process:
        os.close(below)
        shown = bytearray()
        while True:
            try:
                piece = os.read(above, 65536)
            except OSError:  # Linux says EIO when the other side has closed
                break
            if not piece:
                break
            shown += piece
    os.close(above)
    return shown.decode(), process.returncode


def _plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r\n", "\n")


# query -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", question_names(ROOT))
def test_every_question_answers_as_csv_when_piped(run: CliRunner, name: str) -> None:
    assert len(_csv(_fine(run, "query", name))) > 0


def test_csv_on_stdout_is_exactly_the_format(run: CliRunner) -> None:
    text = _ask(run, "query", "drugs", "-f", "csv").stdout_bytes
    assert text.startswith(b"drug,label_zh,class,targets,action,reversible,curies\r\n")
    assert text.endswith(b"\r\n")
    assert b"\r\n\r\n" not in text


def test_a_question_comes_in_every_format(run: CliRunner) -> None:
    rows = _csv(_fine(run, "query", "trials"))
    assert len(_fine(run, "query", "trials", "-f", "tsv").splitlines()) == len(rows) + 1
    assert len(json.loads(_fine(run, "query", "trials", "-f", "json"))["results"]["bindings"]) == len(rows)
    root = ET.fromstring(_fine(run, "query", "trials", "-f", "xml"))  # noqa: S314 - our own text
    assert len(list(root.iter("{http://www.w3.org/2005/sparql-results#}result"))) == len(rows)
    assert "NCT01827267" in _fine(run, "query", "trials", "-f", "table")


def test_labels_come_in_chinese(run: CliRunner) -> None:
    assert "阿法替尼" in {row["drug"] for row in _csv(_fine(run, "query", "drugs", "--lang", "zh"))}


def test_a_parameter_is_a_notation(run: CliRunner) -> None:
    text = _fine(run, "query", "applicable-claims", "--param", "alteration=HER2扩增", "--lang", "zh")
    assert {row["alteration"] for row in _csv(text)} == {"HER2扩增"}


def test_a_query_comes_from_standard_input(run: CliRunner) -> None:
    assert _fine(run, "query", "-", sent="SELECT (1 AS ?x) { }") == "x\n1\n"
    assert _fine(run, "query", "-", sent="\ufeffSELECT ('中文' AS ?x) { }".encode()) == "x\n中文\n"


@pytest.mark.parametrize(
    ("query", "said"), [("ASK { ?s ?p ?o }", "true\n"), ("ASK { FILTER(false) }", "false\n")]
)
def test_an_ask_prints_its_truth_and_is_fine_either_way(run: CliRunner, query: str, said: str) -> None:
    assert _fine(run, "query", "-", sent=query) == said
    assert json.loads(_fine(run, "query", "-", "-f", "json", sent=query))["boolean"] is (said == "true\n")
    assert f"<boolean>{said.strip()}</boolean>" in _fine(run, "query", "-", "-f", "xml", sent=query)


def test_a_construct_prints_turtle_or_what_is_asked_for(run: CliRunner) -> None:
    query = f"CONSTRUCT WHERE {{ <{_DRUG}> a ?type }}"
    triples = _fine(run, "query", "-", "-f", "nt", sent=query).splitlines()
    assert all(line.startswith(f"<{_DRUG}> ") and line.endswith(" .") for line in triples)
    assert f"<{_DRUG}> a " in _fine(run, "query", "-", sent=query).replace("rdf:type", "a") or triples
    assert json.loads(_fine(run, "query", "-", "-f", "jsonld", sent=query))[0]["@id"] == _DRUG


def test_a_query_file_answers_with_its_list_cells_tidied(run: CliRunner, tmp_path: Path) -> None:
    path = tmp_path / "mine.rq"
    path.write_text('#+ lists: [numbers]\n\nSELECT ?numbers { BIND("10; 9; 10" AS ?numbers) }\n')
    assert _fine(run, "query", str(path)) == "numbers\n9; 10\n"


def test_a_query_file_may_have_any_ending_and_no_header(run: CliRunner, tmp_path: Path) -> None:
    path = tmp_path / "mine.sparql"
    path.write_text("ASK { }")
    assert _fine(run, "query", str(path)) == "true\n"


def test_a_query_file_takes_parameters_and_language(run: CliRunner) -> None:
    path = ROOT / "queries" / "questions" / "applicable-claims.rq"
    words = ("-p", "alteration=G660D", "--lang", "zh")
    assert _fine(run, "query", str(path), *words) == _fine(run, "query", "applicable-claims", *words)


def test_a_question_comes_before_a_file_of_the_same_name(
    run: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "drugs").write_text("ASK { }")
    assert "afatinib" in _fine(run, "query", "drugs")


@pytest.mark.parametrize(
    ("words", "sent", "said"),
    [
        (("query", "drug"), None, "her2kg: no question is named 'drug': try drugs\n"),
        (("query", "zzz"), None, "no question is named 'zzz': try applicable-claims or assays"),
        (("query", "drugs", "-p", "gene=x"), None, "drugs has no parameter 'gene': its parameters: lang\n"),
        (("query", "drugs", "-p", "lang"), None, "the parameter 'lang' has no value: write name=value\n"),
        (
            ("query", "-", "-p", "lang=en"),
            "ASK { }",
            "standard input has no parameter 'lang': its parameters: none",
        ),
        (
            ("query", "drugs", "-f", "ttl"),
            None,
            "a table cannot be written as ttl: use table, json, xml, csv, tsv\n",
        ),
        (("query", "-", "-f", "nt"), "ASK { }", "a truth value cannot be written as nt: use table, json"),
        (
            ("query", "-", "-f", "csv"),
            "CONSTRUCT WHERE { ?s ?p ?o }",
            "a graph cannot be written as csv: use ttl",
        ),
        (("query",), None, "Missing argument 'QUERY'"),
        (("query", "drugs", "--lang", "fr"), None, "'fr' is not one of 'en', 'zh'"),
        (("query", "drugs", "-f", "pdf"), None, "'pdf' is not one of"),
        (("nonsense",), None, "No such command 'nonsense'"),
        (("serve", "--port", "70000"), None, "port is '70000': give a whole number from 0 to 65535"),
        (("serve", "--port", "x"), None, "port is 'x': give a whole number from 0 to 65535"),
    ],
)
def test_wrong_use_says_what_is_right_and_exits_2(
    run: CliRunner, words: tuple[str, ...], sent: str | None, said: str
) -> None:
    assert said in _refused(run, *words, code=2, sent=sent)


def test_a_bad_environment_variable_is_wrong_use(run: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HER2KG_PORT", "-1")
    assert "port is '-1'" in _refused(run, "query", "drugs", code=2)


@pytest.mark.parametrize(
    ("words", "sent", "said"),
    [
        (
            ("query", "-"),
            "SELECT * {\n ?s x:y ?o }",
            "her2kg: 2:5: the prefix x: is not declared: add a line PREFIX x:",
        ),
        (
            ("query", "-"),
            "SELECT * { ?s rdfs:label ?o }",
            "add a line PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#> at the top",
        ),
        (("query", "-"), "", "her2kg: 1:1: the query is not SPARQL at 'the end of the query'"),
        (
            ("query", "-"),
            "DROP ALL",
            "her2kg: 1:1: updates are refused: the graph is read-only: send a query",
        ),
        (("query", "-"), b"ASK { \xff }", "her2kg: standard input: byte 6 is not UTF-8: send UTF-8"),
        (
            ("query", "gone.rq"),
            None,
            "her2kg: gone.rq: No such file or directory: check the name of the file",
        ),
        (
            ("match", "HER2 amplificaton"),
            None,
            "nothing is named 'HER2 amplificaton': near: alteration/erbb2-amplification",
        ),
        (("match", "zzz qqq"), None, "nothing is named 'zzz qqq': see the question `entities`"),
        (("serve", "--data", "gone.ttl"), None, "her2kg: gone.ttl: No such file or directory"),
        (("validate", "gone.ttl"), None, "her2kg: gone.ttl: No such file or directory"),
    ],
)
def test_broken_input_is_one_line_with_its_remedy_and_exits_3(
    run: CliRunner, words: tuple[str, ...], sent: str | bytes | None, said: str
) -> None:
    message = _refused(run, *words, code=3, sent=sent)
    assert said in message
    assert message.count("\n") == 1


def test_a_fault_in_a_query_file_is_placed_in_the_file(run: CliRunner, tmp_path: Path) -> None:
    path = tmp_path / "mine.rq"
    path.write_text("#+ question:\n#+   en: What?\n\nSELECT * {\n  ?s ?p ?o\n")
    message = _refused(run, "query", str(path), code=3)
    assert message == f"her2kg: {path}:4:10: the {{ here is never closed: close it\n"


def test_a_query_file_that_is_not_utf_8_is_named(run: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "mine.rq").write_bytes(b"ASK { \xff }")
    assert "mine.rq: byte 6 is not UTF-8: save it as UTF-8" in _refused(
        run, "query", str(tmp_path / "mine.rq"), code=3
    )


def test_a_function_that_nobody_knows_has_no_value(run: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "mine.rq").write_text("SELECT (<urn:f>(1) AS ?x) { }")
    assert _fine(run, "query", str(tmp_path / "mine.rq")).split() == ["x", '""']


def test_a_missing_build_names_the_command_that_makes_it(tmp_path: Path) -> None:
    message = _refused(CliRunner(env={"HER2KG_BUILD": str(tmp_path)}), "query", "drugs", code=3)
    assert message == f"her2kg: {tmp_path}/checksums.txt is missing: run `her2kg build` first\n"


def test_the_traceback_is_there_for_who_asks(tmp_path: Path) -> None:
    result = CliRunner(env={"HER2KG_BUILD": str(tmp_path)}).invoke(main, ["--debug", "query", "drugs"])
    assert type(result.exception).__name__ == "BuildMissingError"


# match, info, help -----------------------------------------------------------------------------------


def test_match_is_the_question_with_the_notation_resolved(run: CliRunner) -> None:
    by_question = _fine(run, "query", "applicable-claims", "-p", "alteration=erbb2-g660d")
    assert _fine(run, "match", "p.G660D") == by_question
    relations = {row["relation"] for row in _csv(by_question)}
    assert {"direct", "broader"} <= relations
    heads = json.loads(_fine(run, "match", "p.G660D", "-f", "json"))["head"]["vars"]
    assert heads[:4] == ["alteration", "claim", "statement_en", "relation"]


def test_info_shows_every_setting_with_its_value(run: CliRunner, built: Path) -> None:
    text = _fine(run, "info")
    for setting in SETTINGS:
        assert setting.variable in text
        assert setting.help in text
    assert str(built) in text


def test_help_names_every_verb_within_80_columns(run: CliRunner) -> None:
    for words in (
        [],
        ["query"],
        ["match"],
        ["serve"],
        ["load"],
        ["build"],
        ["check"],
        ["validate"],
        ["format"],
        ["info"],
        ["diff"],
    ):
        text = _fine(run, *words, "--help")
        assert max(map(len, text.splitlines())) <= 80
        assert "Options:" in text


def test_the_version_is_that_of_the_package(run: CliRunner) -> None:
    import her2kg

    assert her2kg.__version__ in _fine(run, "--version")


# The build side, as the command line shows it --------------------------------------------------------


@pytest.fixture
def sample(sample_home: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """Give a runner whose settings name the sample."""
    monkeypatch.setenv("HER2KG_HOME", str(sample_home))
    return CliRunner()


@pytest.mark.slow
def test_build_publishes_and_counts(sample: CliRunner, sample_home: Path) -> None:
    result = _ask(sample, "build")
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert re.fullmatch(rf"\d+ claims, [\d,]+ triples in {sample_home}/build", result.stderr.splitlines()[-1])
    assert len(_csv(_fine(sample, "query", "claims"))) > 0


@pytest.mark.slow
@pytest.mark.untraced  # a tracer doubles its time, and other tests run the same lines
def test_build_may_publish_elsewhere(sample: CliRunner, sample_home: Path, tmp_path: Path) -> None:
    result = _ask(sample, "build", "--out", str(tmp_path / "out"))
    assert result.exit_code == 0, result.output
    assert (tmp_path / "out" / "checksums.txt").exists()
    assert not (sample_home / "build").exists()


@pytest.mark.slow
def test_faulty_tables_are_not_built_and_every_fault_is_named(sample: CliRunner, sample_home: Path) -> None:
    set_cell(sample_home / "data" / "alterations.tsv", "egfr-t790m", "parent", "nothing")
    set_cell(sample_home / "data" / "alterations.tsv", "erbb2-mutation", "genes", "nowhere")
    message = _refused(sample, "build", code=1)
    assert "nothing" in message
    assert "nowhere" in message
    assert message.splitlines()[-1].startswith("her2kg: ")
    assert message.splitlines()[-1].endswith("in the data: mend them and build again")
    assert not (sample_home / "build").exists()


def test_check_says_that_the_tables_are_in_order(sample: CliRunner) -> None:
    result = _ask(sample, "check")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "the tables are in order\n")


def test_check_prints_the_coverage(sample: CliRunner) -> None:
    text = _fine(sample, "check", "--coverage")
    assert re.search(r"sentences  (\d+)/\1 \(\d+ exempt\)", text)
    assert re.search(r"references (\d+)/\1", text)
    assert re.search(r"figures    (\d+)/\1", text)


def test_check_exits_1_on_a_fault(sample: CliRunner, sample_home: Path) -> None:
    line = set_cell(sample_home / "data" / "alterations.tsv", "egfr-t790m", "parent", "nothing")
    message = _refused(sample, "check", code=1)
    assert re.search(rf"^error: data/alterations\.tsv:{line}:parent: 'nothing' ", message, re.MULTILINE)


def test_check_exits_1_when_the_coverage_is_incomplete(sample: CliRunner, sample_home: Path) -> None:
    (segments,) = (sample_home / "data" / "sources").glob("*/segments.tsv")
    header, *rows = segments.read_text(encoding="utf-8").splitlines()
    exempt = header.split("\t").index("exempt_en")
    row = next(cells for cells in (row.split("\t") for row in rows) if cells[exempt])
    for name in ("exempt_en", "exempt_zh"):
        set_cell(segments, row[0], name, "")
    result = _ask(sample, "check", "--coverage")
    assert result.exit_code == 1
    assert "missing: " in result.stdout
    assert "the coverage is incomplete" in result.stderr


def test_format_brings_a_table_back_into_its_form(sample: CliRunner, sample_home: Path) -> None:
    _fine(sample, "format")
    table = sample_home / "data" / "alterations.tsv"
    good = table.read_bytes()
    header, *rows = table.read_text(encoding="utf-8").splitlines()
    table.write_text("\n".join([header, *reversed(rows)]) + "\n", encoding="utf-8")
    result = _ask(sample, "format", "--check")
    assert (result.exit_code, result.stdout) == (1, "data/alterations.tsv\n")
    assert _fine(sample, "format") == "data/alterations.tsv\n"
    assert table.read_bytes() == good
    assert _fine(sample, "format", "--check") == ""


def test_format_touches_nothing_that_it_cannot_read(sample: CliRunner, sample_home: Path) -> None:
    table = sample_home / "data" / "alterations.tsv"
    table.write_bytes(table.read_bytes() + b"\xff\n")
    spoilt = table.read_bytes()
    assert "alterations.tsv" in _refused(sample, "format", code=1)
    assert table.read_bytes() == spoilt


@pytest.mark.parametrize(("kind", "code"), [("valid", 0), ("invalid", 1)])
def test_validate_says_whether_a_file_conforms(run: CliRunner, kind: str, code: int) -> None:
    path = min((ROOT / "tests" / "shapes" / "gene-family").glob(f"{kind}-*.ttl"))
    result = _ask(run, "validate", str(path))
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.splitlines()[-1] == f"{path} {'conforms' if code == 0 else 'does not conform'}"
    assert ("error: " in result.stderr) == bool(code)


def test_validate_names_the_place_of_a_syntax_error(run: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "a.ttl").write_text("<urn:a>\n  <urn:b> .")
    assert f"{tmp_path}/a.ttl:2:11: " in _refused(run, "validate", str(tmp_path / "a.ttl"), code=3)


@pytest.mark.slow
def test_a_folder_that_cannot_be_written_is_one_line(sample: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    message = _refused(sample, "build", "--out", str(tmp_path / "file" / "out"), code=3)
    assert str(tmp_path / "file") in message
    assert message.count("\n") == 1


# Real processes --------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("query", "drugs"), 0),
        (("validate", str(min((ROOT / "tests/shapes/gene-family").glob("invalid-*.ttl")))), 1),
        (("query", "drug"), 2),
        (("query", "drugs", "--lang", "fr"), 2),
        (("match", "nonsense"), 3),
    ],
)
def test_a_process_ends_with_the_documented_code(built: Path, words: tuple[str, ...], code: int) -> None:
    done = _process(*words, built=built)
    assert done.returncode == code
    assert (done.stdout != "") == (code == 0)
    assert (done.stderr == "") == (code == 0)
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_reader_that_goes_away_is_no_failure(built: Path) -> None:
    unread, written = os.pipe()
    os.close(unread)
    done = subprocess.run(
        [*_HER2KG, "query", "results"],
        stdout=written,
        stderr=subprocess.PIPE,
        env={**os.environ, "HER2KG_BUILD": str(built)},
        check=False,
    )
    os.close(written)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("flag", [[], ["--debug"]])
def test_a_full_disk_is_one_line_and_a_traceback_only_for_who_asks(built: Path, flag: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*_HER2KG, *flag, "query", "results"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "HER2KG_BUILD": str(built)},
            check=False,
        )
    if flag:
        assert "Traceback" in done.stderr
    else:
        assert done.stderr == "her2kg: the output: No space left on device: mend that and try again\n"
        assert done.returncode == 3


@pytest.mark.slow
def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    done = _process("--debug", "query", "drugs", built=tmp_path)
    assert done.returncode != 0
    assert "Traceback" in done.stderr
    assert "BuildMissingError" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", [("query", "gaps"), ("query", "drugs", "--lang", "zh"), ("query", "results")]
)
def test_a_terminal_shows_a_table_that_fits_its_80_columns(built: Path, words: tuple[str, ...]) -> None:
    shown, code = _on_a_terminal(*words, built=built)
    assert code == 0
    lines = _plain(shown).splitlines()
    assert max(cell_len(line.rstrip()) for line in lines) <= 80
    assert not any("," in line and line.count(",") > 6 for line in lines)
    assert re.fullmatch(r"\d+ rows", lines[-1])
    assert "https://w3id.org/her2kg/id/" not in shown


@pytest.mark.slow
def test_a_wide_terminal_shows_one_line_per_row(built: Path) -> None:
    shown, _ = _on_a_terminal("query", "trials", "-f", "table", built=built, columns=400)
    lines = _plain(shown).splitlines()
    rows = int(lines[-1].split()[0])
    assert len(lines) == rows + 3


@pytest.mark.slow
def test_a_terminal_may_ask_for_csv_and_a_pipe_for_a_table(built: Path) -> None:
    shown, _ = _on_a_terminal("query", "drugs", "-f", "csv", built=built)
    assert shown.startswith("drug,label_zh,class")
    done = _process("query", "drugs", "-f", "table", built=built)
    assert "\x1b[" not in done.stdout
    assert "afatinib" in done.stdout
    assert re.fullmatch(r"\d+ rows\n", done.stderr)


@pytest.mark.slow
def test_one_row_is_counted_as_one(built: Path, tmp_path: Path) -> None:
    (tmp_path / "one.rq").write_text("SELECT (1 AS ?x) { }")
    shown, _ = _on_a_terminal("query", str(tmp_path / "one.rq"), built=built)
    assert _plain(shown).splitlines()[-1] == "1 row"


@pytest.mark.slow
def test_no_color_is_respected(built: Path) -> None:
    coloured = r"\x1b\[[0-9;]*3[0-9]m|\x1b\[38;"
    shown, _ = _on_a_terminal("query", "drugs", built=built, NO_COLOR="1")
    assert not re.search(coloured, shown)
    assert "afatinib" in shown


@pytest.mark.slow
@pytest.mark.untraced  # a tracer doubles its time, and other tests run the same lines
def test_a_build_on_a_terminal_shows_its_stages_and_clears_them(sample_home: Path, tmp_path: Path) -> None:
    shown, code = _on_a_terminal("build", built=tmp_path / "out", HER2KG_HOME=str(sample_home))
    assert code == 0
    assert "validate" in shown
    assert re.fullmatch(
        r"\d+ claims, [\d,]+ triples in .*",
        _plain(shown.replace("\r", "\n")).split("\n")[-2] or _plain(shown).splitlines()[-1],
    )


@pytest.mark.slow
def test_output_in_chinese_does_not_depend_on_the_locale(built: Path) -> None:
    done = _process(
        "query", "drugs", "--lang", "zh", built=built, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0"
    )
    assert done.returncode == 0
    assert "阿法替尼" in done.stdout


@pytest.mark.slow
def test_a_named_question_answers_within_a_second_of_processor_time(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import resource

    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)  # measuring coverage slows the start

    def seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert _process("query", "drug-response", built=built).returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    # Other work on the machine only adds to it: the least of some runs is what it takes.
    assert min(seconds() for _ in range(4)) < 1


def test_a_parameter_given_twice_is_refused(run: CliRunner) -> None:
    words = ("-p", "alteration=YVMA", "-p", "alteration=G660D")
    assert "alteration is given twice" in _refused(run, "query", "applicable-claims", *words, code=2)


@pytest.mark.parametrize(
    ("words", "code"),
    [(("query", "a" * 5000), 2), (("match", f"p.S{'9' * 5000}F"), 3)],
    ids=["query", "match"],
)
def test_a_name_of_any_length_is_one_short_line(run: CliRunner, words: tuple[str, ...], code: int) -> None:
    said = _refused(run, *words, code=code)
    assert len(said) < 600
    assert said.count("\n") == 1
