"""The command line: one verb, one job; results on stdout, talk on stderr.

Exit codes: 0 fine, 1 the answer is no (data do not conform, coverage incomplete, builds differ), 2 usage or
unknown question, 3 unreadable or broken input, query or notation.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import click

from her2kg.errors import Her2kgError, InputError, NotConformError, QueryError, SettingError
from her2kg.settings import SETTINGS, Settings
from her2kg.sparql.formats import GRAPH_FORMATS, RESULT_FORMATS, TRUTH_FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rich.console import Console

    from her2kg.answer.results import Answers
    from her2kg.errors import Fault
    from her2kg.sparql.engine import Triples, Truth
    from her2kg.sparql.store import Store

#: What a shell gives a program that Ctrl-C ended.
_INTERRUPTED = 130
_TABLE_FORMATS = ("table", *RESULT_FORMATS)
_FORMAT = click.option(
    "-f",
    "--format",
    "kind",
    type=click.Choice([*_TABLE_FORMATS, *GRAPH_FORMATS]),
    help="Format of the answer.",
)
_LANG = click.option(
    "--lang", type=click.Choice(["en", "zh"]), default="en", show_default=True, help="Language of labels."
)


def _say(text: str) -> None:
    click.echo(text, err=True)


class _Group(click.Group):
    """Turn our errors into one line and their exit code; a traceback only with ``--debug``."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except NotConformError as error:
            _show_faults(error.faults)
            _say(f"her2kg: {error}")
            ctx.exit(error.exit_code)
        except Her2kgError as error:
            if ctx.meta.get("debug"):
                raise
            _say(f"her2kg: {error}")
            ctx.exit(error.exit_code)
        except BrokenPipeError:
            # The reader of our output went away, as `| head` does: that is no failure.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(0)
        except KeyboardInterrupt:
            _say("her2kg: interrupted")
            ctx.exit(_INTERRUPTED)
        except UnicodeEncodeError as error:
            _say(f"her2kg: the output cannot hold {error.object[error.start]!r}: set PYTHONIOENCODING=utf-8")
            ctx.exit(Her2kgError.exit_code)
        except OSError as error:
            if ctx.meta.get("debug"):
                raise
            place = error.filename or "the output"
            _say(f"her2kg: {place}: {error.strerror or error}: mend that and try again")
            ctx.exit(Her2kgError.exit_code)


def _show_faults(faults: Iterable[Fault]) -> None:
    for fault in faults:
        _say(f"{fault.level.lower()}: {fault}")


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(package_name="her2kg")
@click.pass_context
def main(ctx: click.Context, *, debug: bool) -> None:
    """Ask a graph of what a review says about HER2 in lung cancer."""
    ctx.meta["debug"] = debug
    ctx.obj = Settings.read()


@main.command()
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder of the build.")
@click.option(
    "--source",
    type=click.Path(readable=False, path_type=Path),
    help="The source document, to check offsets against.",
)
@click.option("--release", is_flag=True, help="List the IRIs that stay from now on, and keep earlier ones.")
@click.pass_obj
def build(settings: Settings, out: Path | None, source: Path | None, *, release: bool) -> None:
    """Read, check, map, validate, derive, describe and write the graph."""
    from her2kg.graph import build as pipeline

    promised = pipeline.releasable(settings.home) if release else []
    with _Steps() as steps:
        report = pipeline.build(settings.home, out or settings.build, source or settings.source, steps.step)
    _show_faults(report.warnings)
    claims = sum(report.directions.values())
    triples = sum(report.triples.values())
    _say(f"{claims} claims, {triples:,} triples in {out or settings.build}")
    if release:
        pipeline.write_released(settings.home, promised)
        _say(f"{len(promised):,} IRIs stay from now on")


class _Steps:
    """A progress bar on a terminal, silence elsewhere."""

    def __enter__(self) -> Self:
        self._bar: Any = None
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import Progress

            self._bar = Progress(console=Console(stderr=True), transient=True)
            self._bar.start()
            self._task = self._bar.add_task("build")
        return self

    def step(self, name: str, done: int, steps: int) -> None:
        """Show the stage that begins."""
        if self._bar:
            self._bar.update(self._task, description=f"{name:<9}", completed=done, total=steps)

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()


@main.command()
@click.option("--coverage", is_flag=True, help="Print what of the source is covered.")
@click.option(
    "--source",
    type=click.Path(readable=False, path_type=Path),
    help="The source document, to check offsets against.",
)
@click.pass_obj
def check(settings: Settings, source: Path | None, *, coverage: bool) -> None:
    """Check the tables: cells, links, offsets and, with --coverage, completeness."""
    from her2kg.graph import build as pipeline

    tables, faults = pipeline.check(settings.home, source or settings.source)
    incomplete = False
    for found in pipeline.coverage(tables) if coverage else ():
        click.echo(f"{found.source}")
        click.echo(f"  sentences  {found.sentences_covered}/{found.sentences} ({found.exempt} exempt)")
        click.echo(f"  references {found.references_covered}/{found.references}")
        click.echo(f"  figures    {found.figures_covered}/{found.figures}")
        for line in found.missing:
            click.echo(f"  missing: {line}")
        incomplete = incomplete or not found.complete
    if faults:
        raise NotConformError(faults)
    _say("the tables are in order" if not incomplete else "the coverage is incomplete")
    if incomplete:
        sys.exit(1)


@main.command()
@click.option("--check", "only_check", is_flag=True, help="Change nothing; exit 1 when a table would change.")
@click.pass_obj
def format(settings: Settings, *, only_check: bool) -> None:  # noqa: A001 - the verb of the contract
    """Bring the tables into their canonical form: columns in order, rows sorted."""
    from her2kg.graph import build as pipeline

    changed = pipeline.rewrite(settings.home, write=not only_check)
    for path in changed:
        click.echo(path)
    if changed and only_check:
        sys.exit(1)


@main.command()
@click.argument("file", type=click.Path(readable=False, path_type=Path))
@click.pass_obj
def validate(settings: Settings, file: Path) -> None:
    """Run the shapes and checks over any RDF file."""
    from her2kg.graph import build as pipeline

    faults = pipeline.validate(settings.home, file)
    _show_faults(faults)
    if any(fault.level == "ERROR" for fault in faults):
        _say(f"{file} does not conform")
        sys.exit(1)
    _say(f"{file} conforms")


@main.command()
@click.argument("query")
@click.option(
    "--param", "-p", "parameters", multiple=True, metavar="NAME=VALUE", help="Parameter of a question."
)
@click.option("--explain", "why", is_flag=True, help="Say on standard error why an answer is empty.")
@_FORMAT
@_LANG
@click.pass_obj
def query(  # noqa: PLR0913 - an argument for each option
    settings: Settings, query: str, parameters: tuple[str, ...], kind: str | None, lang: str, *, why: bool
) -> None:
    """Answer QUERY: the name of a question, a .rq file, or - for standard input."""
    from her2kg.answer.opening import open_build
    from her2kg.answer.questions import bound
    from her2kg.answer.results import Answers
    from her2kg.model.queries import Query, question_names, read_query, read_question
    from her2kg.sparql.engine import Table

    store = open_build(settings.build)
    if query == "-":
        named = Query("standard input", _standard_input())
    elif query.endswith(".rq") or (query not in question_names(settings.home) and _is_file(query)):
        named = read_query(Path(query))
    else:
        named = read_question(settings.home, query)
    given = _pairs(parameters)
    if unknown := [name for name in given if name not in named.parameters]:
        known = ", ".join(named.parameters) or "none"
        raise SettingError(f"{named.name} has no parameter {unknown[0]!r}", f"its parameters: {known}")
    text = bound(store, settings.home, named, given, lang)
    try:
        found = store.query(text)
    except QueryError as error:
        raise _placed(error, query, text, settings.home) from error
    if isinstance(found, Table):
        _print_table(Answers.of(found, named), kind)
    else:
        _print_answer(found, kind)
    if why:
        _explain(store, text, lang)


def _explain(store: Store, text: str, lang: str) -> None:
    from her2kg.answer.explanation import explain

    for finding in explain(store, text):
        _say(finding.line(lang))


def _standard_input() -> str:
    if sys.stdin is None:
        raise InputError("there is no standard input", "send the query there, or name a file")
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"standard input: byte {error.start} is not UTF-8", "send UTF-8") from error


def _placed(error: QueryError, query: str, text: str, home: Path) -> Her2kgError:
    """Name the file before line and column, counted from the top of the file with its header."""
    from her2kg.model.namespaces import prefixes
    from her2kg.sparql.syntax import with_iri

    try:
        known = prefixes(home)
    except InputError:  # the fault is the query's
        known = {}
    remedy = with_iri(error.remedy, known)
    problem = error.problem.removeprefix(f"{error.line}:{error.column}: ")
    if not error.line or not Path(query).is_file():
        return QueryError(problem, remedy, line=error.line, column=error.column)
    header = Path(query).read_text(encoding="utf-8-sig").count("\n") - text.count("\n")
    return InputError(f"{query}:{error.line + header}:{error.column}: {problem}", remedy)


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except (OSError, ValueError):  # too long for a name, or with a NUL in it
        return False


def _pairs(parameters: Iterable[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, value in map(_pair, parameters):
        if name in given:
            raise SettingError(f"the parameter {name} is given twice", "give it once")
        given[name] = value
    return given


def _pair(parameter: str) -> tuple[str, str]:
    name, mark, value = parameter.partition("=")
    if not mark:
        raise SettingError(f"the parameter {parameter!r} has no value", "write name=value")
    return name, value


@main.command()
@click.argument("notation")
@click.option(
    "--ontology",
    type=click.Path(readable=False, path_type=Path),
    help="An ontology that imports ours: NOTATION is a class of it.",
)
@_FORMAT
@_LANG
@click.pass_obj
def match(settings: Settings, notation: str, ontology: Path | None, kind: str | None, lang: str) -> None:
    """List the claims that apply to an alteration in any notation."""
    from her2kg.answer.opening import open_build
    from her2kg.answer.questions import ask

    store = open_build(settings.build)
    if ontology:
        _print_table(_foreign(store, settings, ontology, notation, lang), kind)
        return
    _print_table(ask(store, settings.home, "applicable-claims", {"alteration": notation}, lang), kind)


def _foreign(store: Store, settings: Settings, file: Path, name: str, lang: str) -> Answers:
    """Answer for a class of another ontology as for a variant that the graph does not hold."""
    from her2kg.answer.matching import Match
    from her2kg.answer.questions import claims_on
    from her2kg.graph import build as pipeline

    placed = pipeline.place(settings.build, file, name)
    said = {"en": f"as {file.name} defines it", "zh": f"据{file.name}的定义"}
    meant = Match(placed.things, placed.names[lang], said, exact=False)
    return claims_on(store, settings.home, meant, lang)


def _print_answer(answer: Truth | Triples, kind: str | None) -> None:
    from her2kg.sparql.engine import Triples

    if isinstance(answer, Triples):
        graph_format = GRAPH_FORMATS.get(kind or "ttl")
        if graph_format is None:
            raise SettingError(f"a graph cannot be written as {kind}", f"use {', '.join(GRAPH_FORMATS)}")
        click.echo(answer.text(graph_format.media_type), nl=False)
        return
    if kind in GRAPH_FORMATS:
        raise SettingError(f"a truth value cannot be written as {kind}", f"use {', '.join(_TABLE_FORMATS)}")
    truth_format = TRUTH_FORMATS.get(kind or "")
    click.echo(answer.text(truth_format.media_type) if truth_format else str(bool(answer)).lower())


def _print_table(answers: Answers, kind: str | None) -> None:
    from her2kg.answer.results import FORMATS

    if kind in GRAPH_FORMATS:
        raise SettingError(f"a table cannot be written as {kind}", f"use {', '.join(_TABLE_FORMATS)}")
    if kind == "table" or (kind is None and sys.stdout and sys.stdout.isatty()):
        _draw(answers)
        return
    _, write = FORMATS[kind or "csv"]
    click.echo(write(answers).encode(), nl=kind in {"json", "xml"})


def _draw(answers: Answers) -> None:
    """Draw a table at the width of the terminal, or one row below the other when it is too wide for that.

    Columns that are empty in every row are left out, and IRIs of ours lose what they have in common.
    """
    from rich import box
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table

    rows = [
        {name: cell.replace("https://w3id.org/her2kg/id/", "") for name, cell in row.items()}
        for row in answers
    ]
    shown = [name for name in answers.columns if any(row[name] for row in rows)]
    console = Console(highlight=False)
    console.on_broken_pipe = _gone  # type: ignore[method-assign] # rich would end with 1
    widths = [max(len(name), *(min(cell_len(row[name]), 24) for row in rows)) + 2 for name in shown]
    if sum(widths) > console.width:
        _draw_records(console, rows, shown)
    else:
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
        for name in shown:
            table.add_column(name, overflow="fold")
        for row in rows:
            table.add_row(*[row[name] for name in shown])
        console.print(table)
    _say(f"{len(answers)} row{'s' if len(answers) != 1 else ''}")


def _gone() -> None:
    raise BrokenPipeError


def _draw_records(console: Console, rows: list[dict[str, str]], shown: list[str]) -> None:
    """Draw one line per filled cell, a blank line between the rows."""
    from rich.table import Table

    width = max(map(len, shown))
    for row in rows:
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(style="bold", min_width=width)
        grid.add_column(overflow="fold")
        for name in shown:
            if row[name]:
                grid.add_row(name, row[name])
        console.print(grid)
        console.print()


@main.command()
@click.argument("old", type=click.Path(readable=False, path_type=Path))
@click.argument("new", type=click.Path(readable=False, path_type=Path))
@click.option(
    "-f",
    "--format",
    "kind",
    type=click.Choice(["text", *GRAPH_FORMATS]),
    default="text",
    show_default=True,
    help="Format of the differences.",
)
@click.pass_obj
def diff(settings: Settings, old: Path, new: Path, kind: str) -> None:
    """Tell what differs between OLD and NEW, a build folder or RDF file each; exit 1 when anything does.

    Terms, axioms and claims are compared; how blank nodes are named makes no difference.
    """
    from her2kg.graph import build as pipeline

    found = pipeline.compare(settings.home, old, new)
    click.echo(pipeline.tell(settings.home, found, kind), nl=False)
    if found:
        sys.exit(1)


def _flags(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command a flag for each of these settings."""

    def flagged(command: Callable[..., Any]) -> Callable[..., Any]:
        for setting in reversed(SETTINGS):
            if setting.name in names:
                name = setting.name.replace("_", "-")
                command = click.option(f"--{name}", metavar=setting.unit or "TEXT", help=setting.help)(
                    command
                )
        return command

    return flagged


#: Settings that name folders and files; they hold for every verb.
_FOLDERS = ("home", "build", "source")


def _with(settings: Settings, flags: dict[str, str | None]) -> Settings:
    """Read the settings anew with flags before them."""
    return Settings.read({**{name: getattr(settings, name) or "" for name in _FOLDERS}, **flags})


@main.command()
@click.option(
    "--data",
    "files",
    multiple=True,
    type=click.Path(readable=False, path_type=Path),
    help="Serve these RDF files instead.",
)
@_flags(*(setting.name for setting in SETTINGS if setting.name not in _FOLDERS))
@click.pass_obj
def serve(settings: Settings, /, files: tuple[Path, ...], **flags: str | None) -> None:
    """Serve the built graph, RDF files of your own, or what another SPARQL engine holds.

    A new build is served from the next SIGHUP on, without a request being lost. Each option is a setting,
    which the environment can give too (`her2kg info`).
    """
    from her2kg.service import server

    server.serve(_with(settings, flags), files, _say)


@main.command()
@_flags("backend", "backend_update", "backend_graph")
@click.option("--check", "only_check", is_flag=True, help="Load nothing; say which answers differ.")
@click.pass_obj
def load(settings: Settings, /, *, only_check: bool, **flags: str | None) -> None:
    """Put the built graph into another SPARQL engine, in the place of what was loaded before.

    With --check every question is asked there and here; exit 1 when an answer differs.
    """
    from her2kg.answer.loading import differences
    from her2kg.answer.opening import open_build
    from her2kg.service import backend

    settings = _with(settings, flags)
    if not only_check:
        with _Steps() as steps:
            backend.fill(settings, lambda done, total: steps.step("load", done, total))
        _say(f"the build is in {settings.backend}")
        return
    differ = False
    for found in differences(open_build(settings.build), backend.opened_backend(settings), settings.home):
        differ = True
        click.echo(f"{found.name} {found.lang}".rstrip() + f": {found.words}")
    if differ:
        sys.exit(1)
    _say("every answer is the same")


@main.command()
@click.pass_obj
def info(settings: Settings) -> None:
    """Show the settings in force and the build that they name."""
    for setting in SETTINGS:
        value = getattr(settings, setting.name)
        click.echo(f"{setting.variable:<21} {'' if value is None else value}".rstrip())
        click.echo(f"    {setting.help}")
