"""A chat completions server on this machine that is as strict as the real ones, and plays a script.

It refuses what OpenAI's API, or vLLM, refuses: results of tools that nobody called, calls without a
result, calls without ids, sound anywhere but in a person's turn, sound by address, unknown kinds of
sound.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import soundfile

ROLES = ("system", "developer", "user", "assistant", "tool")


class Refused(Exception):
    """The request is answered with 400."""


@dataclass
class ChatServer:
    """One conversation partner.

    Attributes:
        script: its messages, in OpenAI's form, one for each request.
        hears: whether it takes sound.
        takes_audio_url: whether it takes vLLM's `audio_url`, with a data URL.
        key: what the client must show; None: anything.
        requests: the bodies that it took.
        refusals: why it refused others.
    """

    script: list[dict[str, Any]] = field(default_factory=list)
    hears: bool = True
    takes_audio_url: bool = False
    key: str | None = None
    requests: list[dict[str, Any]] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    url: str = ""

    def reply(self, body: dict[str, Any]) -> dict[str, Any]:
        check_tools(body.get("tools", []))
        self.check_messages(body["messages"])
        self.requests.append(body)
        message = {"role": "assistant", "content": None} | self.script[len(self.requests) - 1]
        reason = "tool_calls" if message.get("tool_calls") else "stop"
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": body["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": reason}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
        }

    def check_messages(self, messages: list[dict[str, Any]]) -> None:
        open_calls: set[str] = set()
        for index, message in enumerate(messages):
            role = message["role"]
            if role not in ROLES:
                raise Refused(f"Invalid value: '{role}'")
            if role in ("system", "developer") and index:
                raise Refused("System message must be at the beginning.")
            if role == "tool":
                if message.get("tool_call_id") not in open_calls:
                    raise Refused(
                        "messages with role 'tool' must be a response to a preceding message with "
                        "'tool_calls'."
                    )
                open_calls.discard(message["tool_call_id"])
            elif open_calls:
                raise Refused(
                    "An assistant message with 'tool_calls' must be followed by tool messages "
                    f"responding to each 'tool_call_id'. Missing: {sorted(open_calls)}"
                )
            if role == "assistant":
                open_calls = check_calls(message.get("tool_calls") or [])
            self.check_content(role, message.get("content"))
        if open_calls or messages[-1]["role"] not in ("user", "tool"):
            raise Refused("The last message must be of the user, or a tool's.")

    def check_content(self, role: str, content: Any) -> None:
        if content is None and role != "assistant":
            raise Refused(f"Invalid value for 'content' of {role}: expected a string, got null.")
        for part in content if isinstance(content, list) else []:
            kind = part["type"]
            if kind == "text" and isinstance(part["text"], str):
                continue
            if role != "user":
                raise Refused(f"Invalid content of {role}: '{kind}'. Supported values are: 'text'.")
            if not self.hears:
                raise Refused("This model does not support audio input.")
            if kind == "input_audio":
                check_sound(part["input_audio"]["data"], part["input_audio"]["format"])
            elif kind == "audio_url" and self.takes_audio_url:
                head, _, data = part["audio_url"]["url"].partition(",")
                found = re.fullmatch(r"data:audio/(\w+);base64", head)
                check_sound(data, found[1] if found else head)
            else:
                raise Refused(f"Invalid value: '{kind}'.")


def check_calls(calls: list[dict[str, Any]]) -> set[str]:
    for call in calls:
        if not call.get("id") or call.get("type") != "function":
            raise Refused("Missing required parameter: 'messages.tool_calls[0].id'.")
        if not isinstance(json.loads(call["function"]["arguments"]), dict):
            raise Refused("Arguments are no JSON object.")
    ids = {call["id"] for call in calls}
    if len(ids) != len(calls):
        raise Refused("Duplicate tool call ids.")
    return ids


def check_sound(data: str, form: str) -> None:
    if form not in ("wav", "mp3"):
        raise Refused(f"Invalid value: '{form}'. Supported values are: 'wav' and 'mp3'.")
    try:
        sound = base64.b64decode(data, validate=True)
        info = soundfile.info(io.BytesIO(sound))
    except (binascii.Error, soundfile.LibsndfileError) as error:
        raise Refused("The audio data is invalid.") from error
    if info.frames < 1600:
        raise Refused("The audio is too short.")


def check_tools(tools: list[dict[str, Any]]) -> None:
    for tool in tools:
        function = tool["function"]
        if tool["type"] != "function" or not re.fullmatch(r"[\w-]{1,64}", function["name"]):
            raise Refused("Invalid tool.")
        if function["parameters"]["type"] != "object" or len(function["description"]) > 1024:
            raise Refused(f"Invalid schema for function '{function['name']}'.")


def sounds_of(message: dict[str, Any]) -> list[soundfile._SoundFileInfo]:
    """What is heard in a message that was sent."""
    content = message["content"]
    parts = [part for part in content if part["type"] == "input_audio"] if content else []
    data = [base64.b64decode(part["input_audio"]["data"]) for part in parts]
    return [soundfile.info(io.BytesIO(sound)) for sound in data]


def text_of(message: dict[str, Any]) -> str:
    content = message["content"] or ""
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content if part["type"] == "text")


def call(name: str, arguments: dict[str, Any], call_id: str = "call_a") -> dict[str, Any]:
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"tool_calls": [{"id": call_id, "type": "function", "function": function}]}


@contextmanager
def serving(partner: ChatServer) -> Iterator[ChatServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200, {"object": "list", "data": [{"id": "first", "object": "model"}]})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if partner.key and self.headers["Authorization"] != f"Bearer {partner.key}":
                self._answer(401, {"error": {"message": "Incorrect API key provided."}})
            elif self.path != "/v1/chat/completions":
                self._answer(404, {"error": {"message": f"no {self.path} here"}})
            else:
                try:
                    reply = partner.reply(body)
                    self._stream(reply) if body.get("stream") else self._answer(200, reply)
                except Refused as error:
                    partner.refusals.append(str(error))
                    self._answer(400, {"error": {"message": str(error)}})

        def _stream(self, reply: dict[str, Any]) -> None:
            """The reply as two events: all of the message, and then what it has cost."""
            choice = reply["choices"][0]
            delta = choice.pop("message")
            for index, asked in enumerate(delta.get("tool_calls", [])):
                asked["index"] = index
            head = reply | {"object": "chat.completion.chunk"}
            parts = [
                head | {"choices": [choice | {"delta": delta}], "usage": None},
                head | {"choices": []},
            ]
            events = "".join(f"data: {json.dumps(part)}\n\n" for part in parts)
            self._send("text/event-stream", f"{events}data: [DONE]\n\n".encode())

        def _answer(self, status: int, value: dict[str, Any]) -> None:
            self._send("application/json", json.dumps(value).encode(), status)

        def _send(self, kind: str, data: bytes, status: int = 200) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    partner.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield partner
    finally:
        server.shutdown()
        server.server_close()
