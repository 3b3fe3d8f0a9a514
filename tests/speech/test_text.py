import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_audio_agent.speech.text import normalise, readings


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Middle Classes!", "middle classes"),
        ("“Shelley’s”", "shelley's"),
        ("shelley's", "shelley's"),
        ("'quoted'", "quoted"),
        ("the boys' room", "the boys room"),
        ("21", "twenty one"),
        ("twenty-one", "twenty one"),
        ("Mr. Quilter & Dr. No", "mister quilter and doctor no"),
        ("1984", "nineteen eighty four"),
        ("1900", "nineteen hundred"),
        ("1905", "nineteen oh five"),
        ("2005", "two thousand five"),
        ("2015", "twenty fifteen"),
        ("1,984", "one thousand nine hundred eighty four"),
        ("1980s", "nineteen eighties"),
        ("the '90s", "the nineties"),
        ("21st", "twenty first"),
        ("1,000,000th", "one millionth"),
        ("30th", "thirtieth"),
        ("12th", "twelfth"),
        ("3.14", "three point one four"),
        ("-5", "minus five"),
        ("post-5", "post five"),
        ("$3.50", "three dollars and fifty cents"),
        ("$1.01", "one dollar and one cent"),
        ("$1500", "one thousand five hundred dollars"),
        ("£2.5 million", "two point five million pounds"),
        ("€0.99", "ninety nine cents"),
        ("50%", "fifty percent"),
        ("10:30", "ten thirty"),
        ("10:05 a.m.", "ten oh five a m"),
        ("7:00", "seven o'clock"),
        ("5pm", "five p m"),
        ("3/4", "three quarters"),
        ("1½", "one one half"),
        ("24/7", "twenty four seven"),
        ("007", "zero zero seven"),
        ("mp3", "mp three"),
        ("U.S.A.", "u s a"),
        ("１２", "twelve"),
        ("٣", "three"),
        ("ﬁne", "fine"),
        ("你好，世界", "你好 世界"),
        ("in\x00visi\u200bble\tink", "invisible ink"),
        ("\ud800", ""),
        ("!?… —", ""),
    ],
)
def test_text_becomes_the_words_that_are_spoken(written, spoken):
    assert " ".join(normalise(written)) == spoken


@pytest.mark.parametrize(
    ("written", "also"),
    [
        ("1984", "one thousand nine hundred eighty four"),
        ("1984", "one nine eight four"),
        ("2005", "twenty oh five"),
        ("2010", "two thousand and ten"),
        ("105", "one hundred and five"),
        ("100", "a hundred"),
        ("911", "nine one one"),
        ("9/11", "nine eleven"),
        ("0.5", "point five"),
        ("$3.50", "three fifty"),
        ("$1500", "fifteen hundred dollars"),
        ("50%", "fifty per cent"),
        ("St. James", "street james"),
        ("7:00", "seven"),
    ],
)
def test_numbers_have_other_readings_than_the_usual_one(written, also):
    assert also in {" ".join(words) for words in readings(written)}


def test_the_first_reading_is_the_usual_one_and_none_comes_twice():
    found = readings("in 1905 and 2005")
    assert found[0] == tuple(normalise("in 1905 and 2005"))
    assert len(set(found)) == len(found) > 4


def test_readings_stay_few_however_many_numbers_there_are():
    assert len(readings("1984 " * 5000, limit=16)) <= 16


def test_digits_beyond_any_name_are_read_one_by_one():
    assert normalise("9" * 5000) == ["nine"] * 5000


@given(st.text() | st.text(alphabet="0123456789.,:/$%'- apmsthd", max_size=30))
def test_no_text_raises_and_words_are_plain(text):
    for words in (normalise(text), *readings(text)):
        for word in words:
            assert word == word.lower()
            assert not any(letter.isspace() or letter.isdecimal() for letter in word)
            assert word.strip("'.,-$") == word


@given(st.text())
def test_spoken_words_are_spoken_as_they_are(text):
    words = normalise(text)
    assert normalise(" ".join(words)) == words


@pytest.mark.parametrize("number", [*range(130), 999, 1000, 1001, 1099, 1100, 2000, 2099, 10**6])
def test_every_reading_of_a_number_keeps_its_digits_apart_from_its_neighbours(number):
    spoken = readings(f"a {number} b")
    assert all(words[0] == "a" and words[-1] == "b" and len(words) > 2 for words in spoken)
