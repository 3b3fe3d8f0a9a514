"""Google's and Anthropic's servers on this machine, as strict as the real ones, playing a script.

Google's refuses results of functions that do not answer the calls right before them, one for one,
enums of anything but texts, and sound of unknown kinds. Anthropic's refuses results of tools that
do not come first and right after their calls, turns that do not alternate, and any sound.
"""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import soundfile

SOUNDS = ("audio/wav", "audio/mp3", "audio/aiff", "audio/aac", "audio/ogg", "audio/flac")
Calls = list[tuple[str, dict[str, Any]]]


class Refused(Exception):
    """The request is answered with 400."""


@dataclass
class Partner:
    """One conversation partner.

    Attributes:
        script: for each request the calls of the reply, or its text.
        requests: the bodies that it took.
        refusals: why it refused others.
    """

    script: list[Calls | str]
    requests: list[dict[str, Any]] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    url: str = ""


def google(body: dict[str, Any], reply: Calls | str) -> dict[str, Any]:
    """Check a request of `generateContent`, and answer it."""
    for tool in body.get("tools", []):
        for declared in tool["functionDeclarations"]:
            for schema in declared["parameters"]["properties"].values():
                if not all(isinstance(value, str) for value in schema.get("enum", [])):
                    raise Refused("Invalid value at 'enum' (TYPE_STRING)")
    called: list[str] = []
    for content in body["contents"]:
        answers = [
            p["functionResponse"]["name"] for p in content["parts"] if "functionResponse" in p
        ]
        if answers != called:
            raise Refused(
                "Please ensure that the number of function response parts is equal to the number "
                "of function call parts of the function call turn."
            )
        called = [p["functionCall"]["name"] for p in content["parts"] if "functionCall" in p]
        for part in content["parts"]:
            if "inlineData" in part:
                check_sound(part["inlineData"]["mime_type"], part["inlineData"]["data"])
    if body["contents"][-1]["role"] != "user":
        raise Refused("The last turn must be the user's.")
    parts = (
        [{"text": reply}]
        if isinstance(reply, str)
        else [{"functionCall": {"name": name, "args": args}} for name, args in reply]
    )
    content = {"role": "model", "parts": parts}
    usage = {"promptTokenCount": 9, "candidatesTokenCount": 1, "totalTokenCount": 10}
    candidate = {"content": content, "finishReason": "STOP", "index": 0}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini"}


def check_sound(mime_type: str, data: str) -> None:
    if mime_type not in SOUNDS:
        raise Refused(f"Unsupported MIME type: {mime_type}")
    soundfile.info(io.BytesIO(base64.urlsafe_b64decode(data)))


def anthropic(body: dict[str, Any], reply: Calls | str) -> dict[str, Any]:
    """Check a request of `messages`, and answer it."""
    called: set[str] = set()
    role = "assistant"
    for message in body["messages"]:
        if message["role"] == role:
            raise Refused("messages: roles must alternate between 'user' and 'assistant'")
        role, content = message["role"], message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        kinds = [block["type"] for block in blocks]
        if odd := set(kinds) - {"text", "tool_use", "tool_result"}:
            raise Refused(f"messages: Input tag {odd} found using 'type' does not match")
        answered = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        if set(answered) != called or kinds[: len(answered)] != ["tool_result"] * len(answered):
            raise Refused("messages: tool_use ids were found without tool_result blocks after")
        called = {block["id"] for block in blocks if block["type"] == "tool_use"}
    content = (
        [{"type": "text", "text": reply}]
        if isinstance(reply, str)
        else [
            {
                "type": "tool_use",
                "id": f"toolu_{len(body['messages'])}_{i}",
                "name": name,
                "input": args,
            }
            for i, (name, args) in enumerate(reply)
        ]
    )
    usage = {"input_tokens": 9, "output_tokens": 1}
    told = {"id": "msg", "type": "message", "role": "assistant", "model": "claude"}
    reason = "end_turn" if isinstance(reply, str) else "tool_use"
    return told | {"content": content, "stop_reason": reason, "stop_sequence": None, "usage": usage}


@contextmanager
def serving(
    partner: Partner, answer: Callable[[dict[str, Any], Calls | str], dict[str, Any]]
) -> Iterator[Partner]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                reply = answer(body, partner.script[len(partner.requests)])
                partner.requests.append(body)
                self._send(200, reply)
            except Refused as error:
                partner.refusals.append(str(error))
                self._send(400, {"error": {"message": str(error), "code": 400}})

        def _send(self, status: int, value: dict[str, Any]) -> None:
            data = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    partner.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield partner
    finally:
        server.shutdown()
        server.server_close()
