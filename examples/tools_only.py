"""The tools by themselves: a text for a model, and a plain dict for the program."""

from qwen_audio_agent.langchain import SpeechEditingToolkit

with SpeechEditingToolkit.open(
    "examples/interview.flac", selected_tools=["cut", "undo"]
) as toolkit:
    cut, undo = toolkit.get_tools()
    call = {"type": "tool_call", "id": "1", "name": "cut"}
    done = cut.invoke({**call, "args": {"audio": 1, "words": "old wooden gate"}})
    print(done.status, done.content, done.artifact)
    refused = cut.invoke({**call, "args": {"audio": 2, "words": "purple submarine"}})
    print(refused.status, refused.content)
    print(undo.invoke({"audio": done.artifact["audio"]}))
