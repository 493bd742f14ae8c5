"""The examples of how to run the service for good: nginx before it for real, the others read."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import socket
import subprocess
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest
from rdflib import Graph, URIRef
from rdflib.namespace import RDF

from her2kg.settings import SETTINGS
from tests.conftest import ROOT, needs
from tests.serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEPLOY = ROOT / "deploy"
VARIABLES = {setting.variable for setting in SETTINGS}
_SERVICE = URIRef("http://www.w3.org/ns/sparql-service-description#Service")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def proxied(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start nginx by the example before a service that trusts it, and give the address of the service."""
    needs("nginx")
    folder, port = tmp_path_factory.mktemp("nginx"), _free_port()
    with serving(HER2KG_BUILD=str(built), HER2KG_PROXIES="1", HER2KG_QUERY_SECONDS="1") as (url, _):
        upstream = url.removeprefix("http://").rstrip("/")
        example = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
        site = example.replace("127.0.0.1:8080", upstream).replace("listen 80;", f"listen 127.0.0.1:{port};")
        assert site.count(upstream) == site.count(str(port)) == 1
        (folder / "site.conf").write_text(site, encoding="utf-8")
        paths = "".join(
            f"{kind}_temp_path {folder}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (folder / "nginx.conf").write_text(
            f"daemon off; pid {folder}/pid; error_log {folder}/error.log;\n"
            f"events {{}}\nhttp {{ access_log off; {paths} include {folder}/site.conf; }}\n",
            encoding="utf-8",
        )
        command = [
            "nginx",
            "-p",
            str(folder),
            "-c",
            str(folder / "nginx.conf"),
            "-e",
            str(folder / "error.log"),
        ]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as nginx:
            address = f"http://127.0.0.1:{port}/her2kg/"
            try:
                _wait(address, nginx)
                yield address
            finally:
                nginx.terminate()


def _wait(address: str, nginx: subprocess.Popen[bytes]) -> None:
    while True:
        assert nginx.poll() is None
        try:
            urlopen(f"{address}healthz", timeout=10).close()
        except URLError:
            continue
        return


def _get(address: str, **headers: str) -> tuple[int, str, bytes]:
    try:
        with urlopen(Request(address, headers=headers), timeout=30) as response:
            return response.status, response.url, response.read()
    except HTTPError as error:
        with error:
            return error.code, error.url, error.read()


@pytest.mark.slow
def test_behind_nginx_the_endpoint_names_itself_by_the_address_outside(proxied: str) -> None:
    _, _, body = _get(f"{proxied}sparql", Accept="text/turtle")
    assert list(Graph().parse(data=body, format="turtle").subjects(RDF.type, _SERVICE)) == [
        URIRef(f"{proxied}sparql")
    ]


@pytest.mark.slow
def test_behind_nginx_the_figures_of_the_service_are_not_for_all(proxied: str) -> None:
    assert _get(f"{proxied}metrics")[0] == 403
    assert _get(f"{proxied}readyz")[0] == 200


@pytest.mark.slow
def test_behind_nginx_a_thing_leads_to_its_data_and_its_page(proxied: str) -> None:
    status, url, body = _get(f"{proxied}id/drug/afatinib", Accept="text/turtle")
    assert (status, url) == (200, f"{proxied}data/drug/afatinib.ttl")
    assert Graph().parse(data=body, format="turtle")
    status, url, body = _get(f"{proxied}id/drug/afatinib", Accept="text/html")
    assert (status, url) == (200, f"{proxied}page/drug/afatinib")
    assert b'href="/her2kg/static/her2kg.css"' in body


@pytest.mark.slow
def test_behind_nginx_questions_queries_and_problems_are_the_same(proxied: str) -> None:
    assert _get(f"{proxied}questions/drugs.csv")[0] == 200
    assert (
        json.loads(_get(f"{proxied}sparql?query=ASK%20%7B%20%3Fs%20%3Fp%20%3Fo%20%7D")[2])["boolean"] is True
    )
    join = "%20".join(f"%3Fa{n}%20%3Fb{n}%20%3Fc{n}%20." for n in range(4))
    status, _, body = _get(f"{proxied}sparql?query=SELECT%20(COUNT(*)%20AS%20%3Fn)%20%7B{join}%7D")
    assert status == json.loads(body)["status"]
    assert status in {503, 507}


@pytest.mark.slow
def test_nobody_is_believed_who_is_not_a_proxy_that_was_named(built: Path) -> None:
    with serving(HER2KG_BUILD=str(built)) as (url, _):
        forged = {
            "X-Forwarded-Host": "evil.example",
            "X-Forwarded-Prefix": "/evil",
            "X-Forwarded-Proto": "https",
        }
        _, _, body = _get(f"{url}sparql", Accept="text/turtle", **forged)
        assert b"evil" not in body
        assert f"<{url}sparql>".encode() in body


def test_the_unit_starts_the_service_with_settings_that_there_are() -> None:
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(DEPLOY / "her2kg.service", encoding="utf-8")
    assert shlex.split(unit["Service"]["ExecStart"]) == ["/opt/her2kg/bin/her2kg", "serve"]
    named = {pair.partition("=")[0] for pair in shlex.split(unit["Service"]["Environment"])}
    assert named
    assert named <= VARIABLES | {"GLIBC_TUNABLES"}
    assert unit["Service"]["NoNewPrivileges"] == "yes"
    assert unit["Install"]["WantedBy"]


def test_the_image_is_made_of_what_there_is() -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert [line.split()[0] for line in lines] == ["FROM", "COPY", "RUN", "USER", "ENV", "EXPOSE", "CMD"]
    copied = next(line for line in lines if line.startswith("COPY")).split()[1:-1]
    assert copied == ["constraints.txt", "dist/*.whl"]
    assert (ROOT / "constraints.txt").exists()
    assert set(re.findall(r"(HER2KG_\w+)=", text)) <= VARIABLES
    assert json.loads(next(line for line in lines if line.startswith("CMD"))[4:]) == ["her2kg", "serve"]
