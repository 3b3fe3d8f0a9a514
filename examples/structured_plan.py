"""A plan as a pydantic model first, done afterwards: any model with tool calling can write one."""

from langchain_core.messages import AIMessage
from pydantic import BaseModel, Field

from qwen_audio_agent.langchain import ScriptedChatModel, SpeechEditingToolkit


class Edit(BaseModel):
    """One edit of the newest audio."""

    tool: str = Field(description="cut, silence or denoise")
    words: str | None = Field(default=None, description="the words that it is about")


class EditPlan(BaseModel):
    """What shall be done to a recording, in order."""

    edits: list[Edit]


plan_call = {"edits": [{"tool": "cut", "words": "every morning"}, {"tool": "denoise"}]}
says = AIMessage("", tool_calls=[{"name": "EditPlan", "args": plan_call, "id": "1"}])
model = ScriptedChatModel(messages=[says]).with_structured_output(EditPlan)

with SpeechEditingToolkit.open("examples/interview.flac") as toolkit:
    tools = {tool.name: tool for tool in toolkit.get_tools()}
    plan = model.invoke("Take the morning and the noise out")
    for edit in plan.edits:
        arguments = {
            "audio": toolkit.result,
            **edit.model_dump(exclude={"tool"}, exclude_none=True),
        }
        print(tools[edit.tool].invoke(arguments))
    toolkit.render("planned.flac")
