"""The editing tools as a LangChain toolkit, with the session that they work in."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self, Unpack

from langchain_core.messages import BaseMessage, HumanMessage
from langchain_core.tools import BaseTool, BaseToolkit
from pydantic import ConfigDict, Field, PrivateAttr, field_validator

from qwen_audio_agent.agent import conversation
from qwen_audio_agent.agent.langchain_tools import make_tools
from qwen_audio_agent.agent.session import Hearing, Session
from qwen_audio_agent.agent.storage import is_free
from qwen_audio_agent.agent.tools import TOOLS
from qwen_audio_agent.audio.audio_file import AudioFile
from qwen_audio_agent.audio.files import content_hash
from qwen_audio_agent.editing.heard_audio import HeardAudio


class SpeechEditingToolkit(BaseToolkit):
    """Tools that edit speech recordings; a model sees audio numbers, words and seconds, no paths.

        with SpeechEditingToolkit.open("interview.wav", workspace="work/") as toolkit:
            toolkit.get_tools() -> listen, cut, keep, insert, replace, move, silence, tidy, gain,
                                   denoise, effect, undo

    Several threads may use it: the session does one step after the other.

    Attributes:
        session: the recordings and every edit of them.
        selected_tools: names of the tools to offer; all if None.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    session: Session = Field(exclude=True, repr=False)
    selected_tools: list[str] | None = None
    _open_things: ExitStack = PrivateAttr(default_factory=ExitStack)

    @field_validator("selected_tools")
    @classmethod
    def _known(cls, names: list[str] | None) -> list[str] | None:
        unknown = [name for name in names or () if name not in TOOLS]
        if unknown:
            raise ValueError(
                f"there is no tool {', '.join(unknown)}; the tools are {', '.join(TOOLS)}"
            )
        return names

    @classmethod
    def open(
        cls,
        *recordings: str | Path,
        workspace: str | Path | None = None,
        selected_tools: Sequence[str] | None = None,
        **hearing: Unpack[Hearing],
    ) -> Self:
        """Open recordings as Audio 1, Audio 2 ... of a session that is kept in a folder.

        Where the folder holds a session already, as after a restart, that one goes on, and those
        recordings are added that it does not have yet.

        Args:
            *recordings: sound files; they are never written.
            workspace: folder of the session; None: a temporary one, gone after `close`.
            selected_tools: names of the tools to offer; all if None.
            **hearing: how the session listens, see `agent.session.Hearing`.

        Raises:
            ValueError: there is no such tool.
            AudioFileError: a file cannot be read as sound.
            SessionError: the folder holds something else, or another process works in it.
            SourceChangedError: a recording of the session is not what it was.
            DiskError: the folder cannot be written.
        """
        tools = None if selected_tools is None else list(selected_tools)
        cls._known(tools)
        with ExitStack() as stack:
            if workspace is None:
                workspace = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "session"
            folder = Path(workspace)
            if is_free(folder):
                session = stack.enter_context(Session.create(folder, recordings, **hearing))
            else:
                session = stack.enter_context(Session.open(folder, **hearing))
                known = {recording.sha256 for recording in session.recordings}
                for path in recordings:
                    if content_hash(Path(path)) not in known:
                        session.add_audio(path)
            toolkit = cls(session=session, selected_tools=tools)
            toolkit._open_things = stack.pop_all()
        return toolkit

    def close(self) -> None:
        """Give the folder back to other processes; a toolkit leaves a session that it was given."""
        self._open_things.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def get_tools(self) -> list[BaseTool]:
        """The tools, the same ones for every agent that shares the session."""
        wanted = self.selected_tools
        return [tool for tool in make_tools(self.session) if wanted is None or tool.name in wanted]

    def add(self, recording: str | Path) -> int:
        """Add a recording; the number that it has as an audio.

        Raises:
            AudioFileError: it cannot be read as sound.
            DiskError: the folder cannot be written.
        """
        with self.session.working:
            return self.session.add_audio(recording)

    @property
    def result(self) -> int:
        """Number of the newest audio that an edit made; before any edit, of the first recording.

        Raises:
            ToolError: there is no audio.
        """
        steps = self.session.steps
        number = (steps[-1].audio if steps else None) or 1
        self.session.entry(number)
        return number

    def render(self, path: str | Path, audio: int | None = None) -> AudioFile:
        """Write an audio, by default `result`, to a file in the format of its recording.

        Raises:
            ToolError: there is no such audio.
            EditError: `path` is a recording of this session.
            AudioFileError: it cannot be written there.
            SourceChangedError: a recording is not what it was.
            DiskError: the disk is full, or takes nothing.
        """
        with self.session.working:
            return self.session.render(self.result if audio is None else audio, path)

    def hear(self, file_id: str) -> HeardAudio:
        """The audio behind a reference in a message, such as "audio-2": for a model's `hear`.

        Raises:
            ToolError: there is no such audio.
        """
        return self.session.hear(file_id)

    def audio_turn(self, messages: Sequence[BaseMessage]) -> list[BaseMessage]:
        """What brings the audios into a conversation that it has not heard of yet.

        Sound is named, not contained: about 100 bytes for each audio. A person's last message gets
        the audios before its words, and keeps its id, so that `add_messages` replaces it; after
        the results of tools comes a message of its own.

        Returns:
            One message, or none when all is told.
        """
        newest = max(conversation.told(messages), default=0)
        numbers = [number for number in self.session.numbers if number > newest]
        if not numbers:
            return []
        blocks: list[Any] = conversation.audio_blocks(self.session, numbers)
        last = messages[-1] if messages else None
        if isinstance(last, HumanMessage) and last.name != conversation.AUDIO:
            said = last.content
            words = [{"type": "text", "text": said}] if isinstance(said, str) else said
            return [last.model_copy(update={"content": [*blocks, *words]})]
        return [HumanMessage(blocks, name=conversation.AUDIO)]
