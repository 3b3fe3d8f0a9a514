import numpy as np
import pytest

from qwen_audio_agent.audio.files import probe
from qwen_audio_agent.audio.mp3_header import (
    FrameStarts,
    crc16,
    find_mp3_header,
    header_bytes,
    header_frame,
)


@pytest.mark.parametrize("sample_rate", [8_000, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("num_channels", [1, 2])
def test_a_header_is_found_and_ends_where_the_sound_begins(
    rising_tone, write_mp3, sample_rate: int, num_channels: int
):
    path = write_mp3(rising_tone(3, sample_rate, num_channels), sample_rate)
    content = path.read_bytes()
    header = find_mp3_header(path)
    assert header is not None
    assert header.covers_file
    assert content[header.end : header.end + 2] == content[: header.end].lstrip(b"\0")[:2]
    assert not {b"Xing", b"Info"} & {content[at : at + 4] for at in range(header.end, len(content))}


def test_a_file_that_begins_with_sound_has_none(tmp_path, rising_tone, write_mp3):
    assert find_mp3_header(write_mp3(rising_tone(3, 44_100), 44_100, header=False)) is None
    (tmp_path / "text.mp3").write_text("no sound" * 1000)
    assert find_mp3_header(tmp_path / "text.mp3") is None


def test_a_tag_before_the_sound_is_passed_over(tmp_path, rising_tone, write_mp3):
    path = write_mp3(rising_tone(3, 44_100), 44_100)
    plain = find_mp3_header(path)
    # A tag of 300 bytes in "syncsafe" numbers, whose content looks like a frame.
    tag = b"ID3\4\0\0" + bytes([0, 0, 2, 44]) + (b"\xff\xfb\x90\x00" * 75)
    path.write_bytes(tag + path.read_bytes())
    tagged = find_mp3_header(path)
    assert tagged.end == plain.end + len(tag)
    assert probe(path).num_frames == 3 * 44_100


def test_two_recordings_in_one_file_are_both_read(tmp_path, rising_tone, write_mp3, capfd):
    path = write_mp3(rising_tone(10, 44_100), 44_100)
    content = path.read_bytes()
    path.write_bytes(content + content)
    assert not find_mp3_header(path).covers_file
    assert probe(path).num_frames == pytest.approx(20 * 44_100, abs=6 * 1152)


def test_an_intact_mp3_makes_the_decoder_say_nothing(rising_tone, write_mp3, capfd):
    probe(write_mp3(rising_tone(3, 44_100), 44_100))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("sample_rate", [8_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("num_channels", [1, 2])
@pytest.mark.parametrize("kbits", [None, 64])
def test_a_header_says_what_the_one_of_lame_says(
    rising_tone, write_mp3, sample_rate: int, num_channels: int, kbits: int | None
):
    num_frames = 9 * sample_rate + 17
    sound = rising_tone(10, sample_rate, num_channels)[:, :num_frames]
    options = {"bitrate_mode": "CONSTANT", "compression_level": 0.5} if kbits else {}
    path = write_mp3(sound, sample_rate, **options)
    header, content = find_mp3_header(path), path.read_bytes()
    frames = FrameStarts()
    for start in range(header.end, len(content), 1000):
        frames.push(content[start : start + 1000])

    theirs = content[: header.end]
    ours = header_frame(frames, num_frames, sample_rate, num_channels, kbits)
    assert len(ours) == header_bytes(sample_rate, num_channels)
    name = max(theirs.find(b"Xing"), theirs.find(b"Info"))
    assert max(ours.find(b"Xing"), ours.find(b"Info")) == name
    same = slice(name, name + 12)  # the name, what is stated, and the number of frames
    assert ours[same] == theirs[same]
    size = slice(name + 12, name + 16)
    longer = len(ours) - len(theirs)
    assert int.from_bytes(ours[size], "big") == int.from_bytes(theirs[size], "big") + longer
    seeks = [np.frombuffer(each[name + 16 : name + 116], np.uint8) for each in (ours, theirs)]
    assert np.abs(seeks[0].astype(int) - seeks[1]).max() <= 8
    encoder, padding = slice(name + 120, name + 130), slice(name + 141, name + 144)
    assert ours[encoder] == theirs[encoder]
    assert ours[padding] == theirs[padding]
    # The check sum by LAME of its own header is the one that ours would have.
    assert crc16(theirs[: name + 154]).to_bytes(2, "big") == theirs[name + 154 : name + 156]
    assert crc16(ours[: name + 154]).to_bytes(2, "big") == ours[name + 154 : name + 156]


def test_a_piece_that_is_no_mp3_is_refused():
    with pytest.raises(ValueError, match="no frame"):
        FrameStarts().push(b"no frame of an mp3")
