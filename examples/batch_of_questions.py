"""Many questions about one recording, which is heard once."""

from langchain_core.messages import HumanMessage

from qwen_audio_agent.langchain import OfflineChatModel, SpeechEditingToolkit

QUESTIONS = ["what does the person say?", "How long is it?", 'When is "every morning" said?']

with SpeechEditingToolkit.open("examples/interview.flac") as toolkit:
    model = OfflineChatModel(hear=toolkit.hear)
    asked = [toolkit.audio_turn([HumanMessage(question)]) for question in QUESTIONS]
    for question, answer in zip(QUESTIONS, model.batch(asked), strict=True):
        print(question, "->", answer.text)
