"""The same loop as a LangGraph graph: the model, its tools, and hearing what they made."""

from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition

from qwen_audio_agent.langchain import OfflineChatModel, SpeechEditingToolkit

with SpeechEditingToolkit.open("examples/interview.flac") as toolkit:
    model = OfflineChatModel(hear=toolkit.hear).bind_tools(toolkit.get_tools())

    def listen(state: MessagesState) -> dict:
        """Bring the audios that the conversation does not know yet, by reference."""
        return {"messages": toolkit.audio_turn(state["messages"])}

    def think(state: MessagesState) -> dict:
        """Answer, or ask for a tool."""
        return {"messages": [model.invoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node(listen)
    graph.add_node(think)
    graph.add_node("tools", ToolNode(toolkit.get_tools()))
    graph.add_edge(START, "listen")
    graph.add_edge("listen", "think")
    graph.add_conditional_edges("think", tools_condition)
    graph.add_edge("tools", "listen")
    wish = {"role": "user", "content": 'Mute "every morning"'}
    print(graph.compile().invoke({"messages": [wish]})["messages"][-1].text)
    toolkit.render("muted.flac")
