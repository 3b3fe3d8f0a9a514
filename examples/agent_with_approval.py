"""LangChain's create_agent edits, and asks a person before it cuts."""

from langchain.agents import create_agent
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from qwen_audio_agent.langchain import OfflineChatModel, SpeechEditingToolkit, editing_middleware

with SpeechEditingToolkit.open("examples/interview.flac") as toolkit:
    agent = create_agent(
        OfflineChatModel(),  # or any chat model: ChatQwenAudio, ChatOpenAI ...
        tools=toolkit.get_tools(),
        middleware=editing_middleware(toolkit, ask=["cut"]),
        checkpointer=InMemorySaver(),
    )
    thread = {"configurable": {"thread_id": "1"}}
    wish = 'Cut "with the old wooden gate" and take the noise out'
    state = agent.invoke({"messages": [{"role": "user", "content": wish}]}, thread)
    for question in state["__interrupt__"]:
        for request in question.value["action_requests"]:
            print("May I?", request["description"])
    state = agent.invoke(Command(resume={"decisions": [{"type": "approve"}]}), thread)
    print(state["messages"][-1].text)
    toolkit.render("approved.flac")
