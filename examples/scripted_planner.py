"""Any LangChain chat model plans; here one that replays what it is given."""

import shutil

from langchain_core.messages import AIMessage

from qwen_audio_agent import Planner, Session
from qwen_audio_agent.chat_models.scripted import ScriptedChatModel

call = {"name": "cut", "args": {"audio": 1, "words": "every morning"}, "id": "1"}
model = ScriptedChatModel(messages=[AIMessage("", tool_calls=[call]), AIMessage("Done.")])

shutil.rmtree("scripted.session", ignore_errors=True)
with Session.create("scripted.session", ["examples/interview.flac"]) as session:
    for event in Planner(session, model).run("Take the morning out"):
        print(event)
    session.render(session.latest, "scripted.flac")
