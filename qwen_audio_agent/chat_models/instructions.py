"""From a sentence to an instruction; what is not understood, it says where, with the nearest that is."""

from __future__ import annotations

from qwen_audio_agent.chat_models.intents import Instruction
from qwen_audio_agent.chat_models.parser import NotParsed, open_parser
from qwen_audio_agent.chat_models.reading import read
from qwen_audio_agent.chat_models.sentence import Piece, split
from qwen_audio_agent.errors import InstructionError


def understand(sentence: str) -> Instruction:
    """What a sentence asks for.

    Raises:
        InstructionError: some of it is not understood, so that none of it shall be done.
    """
    parser = open_parser()
    pieces = split(sentence, parser.vocabulary, parser.unsaid)
    try:
        return Instruction(tuple(read(parser.parse(pieces), sentence)))
    except NotParsed as error:
        raise InstructionError(_not_understood(sentence, error.piece)) from None


def _not_understood(sentence: str, piece: Piece | None) -> str:
    if piece is None:
        return "Something is missing at the end of the instruction."
    return f"I do not understand {sentence[piece.start :][:40]!r} (character {piece.start + 1}). Nothing was edited."
