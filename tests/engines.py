"""Other SPARQL engines for tests: Oxigraph and Virtuoso for real, and one that says what it is told."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs
from urllib.request import urlopen

import pytest

from her2kg.model.namespaces import LOADED
from her2kg.settings import Address
from her2kg.sparql.engine import Table, plain
from tests.conftest import needs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from her2kg.sparql.store import Answerer

#: Seconds that an engine may take to be there.
_START = 60
_VIRTUOSO = """\
[Database]
DatabaseFile = virtuoso.db
ErrorLogFile = virtuoso.log
LockFile = virtuoso.lck
TransactionFile = virtuoso.trx
xa_persistent_file = virtuoso.pxa
[TempDatabase]
DatabaseFile = virtuoso-temp.db
TransactionFile = virtuoso-temp.trx
[Parameters]
ServerPort = 127.0.0.1:{sql}
DisableUnixSocket = 1
[HTTPServer]
ServerPort = 127.0.0.1:{http}
ServerThreads = 10
[SPARQL]
ResultSetMaxRows = 1000000
"""


class Addresses(NamedTuple):
    """Where an engine is asked, and where it takes updates."""

    query: str
    update: str


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


@contextmanager
def oxigraph(folder: Path) -> Iterator[Addresses]:
    """Start the server of the package ``oxigraph``, whose program lies beside the interpreter."""
    program = shutil.which("oxigraph", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert program, "oxigraph is missing: `make` installs it with what the tests need"
    port = free_port()
    command = [program, "serve", "--location", str(folder / "db"), "--bind", f"127.0.0.1:{port}"]
    # Its own limit of time stops most of what we gave up.
    with _running([*command, "--timeout-s", "20"], folder, f"http://127.0.0.1:{port}/"):
        yield Addresses(f"http://127.0.0.1:{port}/query", f"http://127.0.0.1:{port}/update")


@contextmanager
def virtuoso(folder: Path) -> Iterator[Addresses]:
    """Start Virtuoso over a database of its own."""
    needs("virtuoso-t")
    sql, http = free_port(), free_port()
    (folder / "virtuoso.ini").write_text(_VIRTUOSO.format(sql=sql, http=http), encoding="ascii")
    command = ["virtuoso-t", "+foreground", "+configfile", "virtuoso.ini"]
    address = f"127.0.0.1:{http}"
    with _running(command, folder, f"http://{address}/sparql?query=ASK%7B%7D"):
        yield Addresses(f"http://{address}/sparql", f"http://dba:dba@{address}/sparql-auth")


@contextmanager
def _running(command: list[str], folder: Path, address: str) -> Iterator[None]:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        for _ in range(_START * 10):
            with suppress(OSError):
                urlopen(address, timeout=10).close()
                break
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.1)
                pytest.fail(f"{command[0]} ended: {(folder / 'log').read_text()[-500:]}")
        else:
            pytest.fail(f"{command[0]} does not answer")
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Said(NamedTuple):
    """An engine's response: status (0: none, it hangs up), headers, content, seconds between its bytes."""

    status: int = 200
    media_type: str = "application/sparql-results+json"
    content: bytes = b'{"head": {}, "boolean": true}'
    headers: tuple[tuple[str, str], ...] = ()
    slowly: float = 0.0


JSON = "application/sparql-results+json"
#: What a Java engine says when it breaks.
TRACE = b"java.lang.IllegalStateException: boom\n\tat org.example.Secret.run(Secret.java:1)\n"


def mark(version: str = "v1", triples: int = 3) -> bytes:
    """Give the answer that says what was loaded."""
    row = {
        "version": {"type": "literal", "value": version},
        "triples": {"type": "literal", "value": str(triples)},
    }
    return json.dumps({"head": {"vars": list(row)}, "results": {"bindings": [row]}}).encode()


def usual(form: dict[str, list[str]], _authorization: str) -> Said:
    """Answer as an engine that holds a build, and any other query with yes."""
    return Said(content=mark()) if str(LOADED) in form["query"][0] else Said()


def address(text: str) -> Address:
    """Give an address."""
    return Address.read("backend", text)


def values(store: Answerer, query: str) -> list[str]:
    """Give the values of ``?x``, sorted."""
    answer = store.query(query)
    assert isinstance(answer, Table)
    return sorted(plain(row.get("x")) for row in answer.rows())


class Engine:
    """An engine that answers as it is told, and remembers what it was asked."""

    def __init__(self, say: Callable[[dict[str, list[str]], str], Said]) -> None:
        """Take what says the answer to a form and an ``Authorization``."""
        self.say = say
        self.asked: list[dict[str, list[str]]] = []
        self.connections = 0
        #: Close each connection after its answer, without having announced it.
        self.hang_up = False
        self.over = threading.Event()


@contextmanager
def telling(say: Callable[[dict[str, list[str]], str], Said]) -> Iterator[tuple[str, Engine]]:
    """Start an engine that answers as it is told; give its address."""
    engine = Engine(say)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            engine.connections += 1

        def do_POST(self) -> None:
            form = parse_qs(
                self.rfile.read(int(self.headers["Content-Length"])).decode(), keep_blank_values=True
            )
            engine.asked.append(form)
            said = engine.say(form, self.headers.get("Authorization", ""))
            if not said.status:
                self.close_connection = True
                return
            self.send_response(said.status)
            self.send_header("Content-Type", said.media_type)
            self.send_header("Content-Length", str(len(said.content)))
            for name, value in said.headers:
                self.send_header(name, value)
                self.close_connection = self.close_connection or (name, value) == ("Connection", "close")
            self.close_connection = self.close_connection or engine.hang_up
            self.end_headers()
            if not said.slowly:
                self.wfile.write(said.content)
                return
            with suppress(OSError):
                for byte in said.content:
                    if engine.over.wait(said.slowly):
                        return
                    self.wfile.write(bytes([byte]))

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/query", engine
    finally:
        engine.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
