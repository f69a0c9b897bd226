"""Applications: the typed client, OpenAI's and KServe's, and tools, with and without a token."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, blocks
from tests.journeys.shell import Shell
from tests.real_parts.process import CACHE, program

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

UTTERANCE = "what is the weather in Oslo"
TOKEN = "t0ken-of-the-application"
PROGRAMS = {
    block.title: block.code for block in blocks(ROOT / "docs/how-to/agents.md") if block.title
}


@pytest.fixture(scope="module")
def app(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """An application's folder."""
    return Shell(tmp_path_factory.mktemp("app"), cache)


@pytest.fixture(scope="module", params=["", TOKEN], ids=["without-token", "with-token"])
def service(app: Shell, model: Path, request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """URL of ``intentflow serve`` with the project's model, and the token that it wants."""
    variables = {"INTENTFLOW_API_KEY": request.param} if request.param else {}
    with app.serving(model, **variables) as url:
        yield url, request.param


def test_the_command_answers_with_typed_calls(app: Shell, service: tuple[str, str]) -> None:
    url, token = service
    done = app(f'intentflow predict "{UTTERANCE}" --service {url}', INTENTFLOW_TOKEN=token)
    (call,) = done.summary["calls"]
    assert call["intent"] == "weather_search"
    assert len(call["parameters"]) == 1


def test_the_typed_client_gives_the_call_with_its_arguments(
    app: Shell, service: tuple[str, str]
) -> None:
    url, token = service
    printed = app.python(
        "from intentflow.client import IntentClient\n"
        f"with IntentClient({url!r}, token={token or None!r}) as client:\n"
        f"    found = client.recognize({UTTERANCE!r})\n"
        "    print(found.calls[0].intent, 0 <= found.confidence <= 1)\n"
    )
    assert printed == "weather_search True\n"


def test_openais_client_gets_the_same_call(app: Shell, service: tuple[str, str]) -> None:
    url, token = service
    printed = app.python(
        "from openai import OpenAI\n"
        f"client = OpenAI(base_url='{url}/v1', api_key={token or 'none'!r})\n"
        f"messages = [{{'role': 'user', 'content': {UTTERANCE!r}}}]\n"
        "answer = client.chat.completions.create(model='intent', messages=messages)\n"
        "print(answer.choices[0].message.content)\n"
    )
    assert printed.startswith("weather_search(")


def test_an_agent_gets_the_call_of_its_tool(app: Shell, service: tuple[str, str]) -> None:
    url, token = service
    printed = app.python(
        "import httpx\n"
        "from openai import OpenAI\n"
        f"client = OpenAI(base_url='{url}/v1', api_key={token or 'none'!r})\n"
        f"headers = {{'Authorization': 'Bearer {token or 'none'}'}}\n"
        f"tools = httpx.get('{url}/v1/tools', headers=headers).json()['data']\n"
        f"messages = [{{'role': 'user', 'content': {UTTERANCE!r}}}]\n"
        "answer = client.chat.completions.create(model='intent', messages=messages, tools=tools)\n"
        "print(answer.choices[0].finish_reason)\n"
        "print(answer.choices[0].message.tool_calls[0].function.name)\n"
    )
    assert printed.split() == ["tool_calls", "weather_search"]


@pytest.fixture(scope="module")
def with_frameworks() -> Path:
    """A Python that has LangChain and LlamaIndex."""
    return program(CACHE / "agents/bin/python", "agents")


@pytest.mark.parametrize("name", [*PROGRAMS])
@pytest.mark.parametrize("service", [TOKEN], indirect=True, ids=["with-token"])
def test_a_frameworks_program_gets_the_call_with_its_argument(
    app: Shell, service: tuple[str, str], with_frameworks: Path, name: str
) -> None:
    url, token = service
    variables = {"INTENT_URL": url, "INTENTFLOW_TOKEN": token}
    printed = app.python(PROGRAMS[name], with_frameworks, **variables)
    assert printed.startswith("weather_search {'parameter_1': '")


def test_both_frameworks_have_a_program_of_about_ten_lines() -> None:
    assert set(PROGRAMS) == {"ask_langchain.py", "ask_llama_index.py"}
    lines = {name: len([*filter(None, code.splitlines())]) for name, code in PROGRAMS.items()}
    assert max(lines.values()) <= 11


@pytest.mark.parametrize("protocol", ["v1", "v2"])
def test_kserves_client_gets_the_same_call(
    app: Shell, service: tuple[str, str], protocol: str
) -> None:
    url, token = service
    printed = app.python(
        "import asyncio, json\n"
        "import numpy as np\n"
        "import kserve\n"
        "from kserve.inference_client import InferenceRESTClient, RESTConfig\n"
        "given = kserve.InferInput('utterance', [1], 'BYTES')\n"
        f"given.set_data_from_numpy(np.array([{UTTERANCE!r}], dtype=np.object_), "
        "binary_data=True)\n"
        f"data = {{'v1': {{'instances': [{UTTERANCE!r}]}}, "
        f"'v2': kserve.InferRequest('intent', [given])}}[{protocol!r}]\n"
        "async def ask():\n"
        f"    async with InferenceRESTClient(RESTConfig(protocol={protocol!r})) as http:\n"
        f"        headers = {{'Authorization': 'Bearer {token or 'none'}'}}\n"
        f"        return await http.infer({url!r}, data, model_name='intent', headers=headers)\n"
        "reply = asyncio.run(ask())\n"
        "found = reply['predictions'] if isinstance(reply, dict) else "
        "[json.loads(text) for text in reply.outputs[0].data]\n"
        "print(found[0]['calls'][0]['intent'])\n"
    )
    assert printed == "weather_search\n"


def test_a_client_without_the_token_is_refused_by_name(app: Shell, model: Path) -> None:
    with app.serving(model, INTENTFLOW_API_KEY=TOKEN) as url:
        done = app(f'intentflow predict "{UTTERANCE}" --service {url}', status=2)
    assert "set INTENTFLOW_TOKEN" in done.err


def test_the_taxonomy_is_the_tools_without_a_service(app: Shell, project: Shell) -> None:
    taxonomy = project.folder / "requests/taxonomy.yaml"
    tools = json.loads(app(f"intentflow schema tools --taxonomy {taxonomy}").out)
    names = {tool["function"]["name"] for tool in tools}
    assert names == {"weather_search", "play_music", "volume_down"}


def test_a_service_that_is_away_is_one_line(app: Shell) -> None:
    done = app(f'intentflow predict "{UTTERANCE}" --service http://127.0.0.1:9', status=2)
    assert len(done.err.splitlines()) == 1
