"""The tree of errors; everything that a caller may want to catch comes from here.

    QwenAudioAgentError         for the person: one line, no traceback
    |-- AudioFileError          a file cannot be read or written as sound
    |-- DiskError               a disk is full, or takes nothing, while something is written to it
    |-- HearingError            an ear is missing, or could not listen
    |-- EditError               an edit that cannot be made (also a ValueError)
    |-- InstructionError        a sentence that the grammar does not understand
    |-- SessionError            a session folder that is broken, locked or of another version
    |   `-- SourceChangedError  a source is gone, or is not the file that it was
    |-- LimitReached            the planner ran out of steps or of time
    |-- ChatModelError          a chat model of others cannot be reached, or did not answer
    |-- CheckpointError         the folder of a model does not hold what it should
    |-- UsageError              a command line, or a call, that makes no sense
    `-- ToolError               for the model: what was given, what is allowed, what to do next

A message says what was given, what is allowed and what to do next. Wrong calls by a programmer are
plain ValueError and TypeError.
"""


class QwenAudioAgentError(Exception):
    """Base of every error that is meant for a person: its text is one line, complete in itself."""


class AudioFileError(QwenAudioAgentError):
    """A file cannot be read or written as sound."""


class DiskError(QwenAudioAgentError):
    """A disk that is full, or takes no more; what was under the name of the file is untouched."""


class HearingError(QwenAudioAgentError):
    """An ear is missing, or could not listen."""


class EditError(QwenAudioAgentError, ValueError):
    """An edit that cannot be made, such as a span outside the recording."""


class InstructionError(QwenAudioAgentError):
    """A sentence that the grammar does not understand."""


class SessionError(QwenAudioAgentError):
    """A session folder that is broken, locked by another process or of an unknown version."""


class SourceChangedError(SessionError):
    """A source of a session is gone, or no longer holds the sound that it held."""


class LimitReached(QwenAudioAgentError):  # noqa: N818  (what happened, not a fault)
    """The planner ran out of steps or of time; what was done until then is kept."""


class ChatModelError(QwenAudioAgentError):
    """A chat model of others cannot be reached, or did not answer; says why, in its words."""


class CheckpointError(QwenAudioAgentError):
    """The folder of a model does not hold what it should: says what is missing or does not fit."""


class UsageError(QwenAudioAgentError):
    """A command line that makes no sense, such as an output that is also an input."""


class ToolError(QwenAudioAgentError):
    """A tool refuses its arguments; the text goes to the model, which may try again."""
