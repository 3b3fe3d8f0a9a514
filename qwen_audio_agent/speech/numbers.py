"""Numbers as they are spoken in English; the first of several readings is the most usual one."""

from __future__ import annotations

_UNITS = [
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    *("ten", "eleven", "twelve", "thirteen", "fourteen"),
    *("fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
]
_TENS = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (10**3, "thousand"))
_LONGEST = 15  # digits; beyond, numbers are read digit by digit
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_DENOMINATORS = {2: ("half", "halves"), 4: ("quarter", "quarters")}


def cardinal(number: int, link: str = "") -> str:
    """105 -> "one hundred five", or with `link` "and" "one hundred and five".

    Args:
        number: 0 <= number < 10**15.
        link: said between the hundreds and the rest.
    """
    for size, name in _SCALES:
        if number >= size:
            head, rest = divmod(number, size)
            tail = _link(rest, link) if rest < 100 else cardinal(rest, link)
            return f"{cardinal(head, link)} {name} {tail if rest else ''}".strip()
    if number >= 100:
        head, rest = divmod(number, 100)
        return f"{_UNITS[head]} hundred {_link(rest, link) if rest else ''}".strip()
    if number >= 20:
        head, rest = divmod(number, 10)
        return f"{_TENS[head]} {_UNITS[rest] if rest else ''}".strip()
    return _UNITS[number]


def _link(rest: int, link: str) -> str:
    return f"{link} {cardinal(rest, link)}".strip()


def ordinal(number: int) -> str:
    """21 -> "twenty first"."""
    return _ordinal_of(cardinal(number))


def _ordinal_of(words: str) -> str:
    head, _, last = words.rpartition(" ")
    regular = f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th"
    return f"{head} {_ORDINALS.get(last, regular)}".strip()


def digit_by_digit(digits: str, zero: str = "zero") -> str:
    """007 -> "zero zero seven"."""
    return " ".join(zero if digit == "0" else _UNITS[int(digit)] for digit in digits)


def year(number: int) -> str | None:
    """1984 -> "nineteen eighty four"; None outside 1100 to 2099 and for the first years of 2000."""
    century, rest = divmod(number, 100)
    if not 11 <= century <= 20 or (century == 20 and rest < 10):
        return None
    if rest == 0:
        return f"{cardinal(century)} hundred"
    return f"{cardinal(century)} {two_digits(rest)}"


def two_digits(number: int) -> str:
    """Minutes and the ends of years: 5 -> "oh five", 15 -> "fifteen"."""
    return f"oh {_UNITS[number]}" if number < 10 else cardinal(number)


def plural(words: str) -> str:
    """Decades: "nineteen eighty" -> "nineteen eighties"."""
    if words.endswith("y"):
        return f"{words[:-1]}ies"
    return f"{words}es" if words.endswith("x") else f"{words}s"


def integer_readings(digits: str) -> list[str]:
    """Ways to read a string of ASCII digits: as a year, a number, with "and", digit by digit."""
    one_by_one = [digit_by_digit(digits), digit_by_digit(digits, "oh")]
    if len(digits) > _LONGEST or (digits.startswith("0") and len(digits) > 1):
        return _distinct(one_by_one)
    number = int(digits)
    found = [cardinal(number), cardinal(number, "and")]
    as_year = year(number) if len(digits) == 4 else None
    if as_year:
        found.insert(0, as_year)
    if digits.startswith("20") and len(digits) == 4:
        found.append(f"twenty {two_digits(number % 100)}")
    if found[0].startswith(("one hundred", "one thousand", "one million")):
        found += [f"a{words[3:]}" for words in found if words.startswith("one ")]
    if len(digits) == 3 and number % 100:
        found.append(f"{_UNITS[number // 100]} {two_digits(number % 100)}")
    return _distinct(found + one_by_one if len(digits) > 2 else found)


def number_readings(number: str) -> list[str]:
    """Ways to read "1,234", "3.14" or ".5"."""
    whole, _, decimals = number.replace(",", "").partition(".")
    if not decimals:
        return [cardinal(int(whole))] if _is_grouped(number) else integer_readings(whole)
    tails = [f"point {digit_by_digit(decimals, zero)}" for zero in ("zero", "oh")]
    heads = integer_readings(whole)[:2] if whole else [""]
    if whole == "0":
        heads.append("")
    return _distinct([f"{head} {tail}".strip() for head in heads for tail in tails])


def _is_grouped(number: str) -> bool:
    return "," in number and len(number.replace(",", "")) <= _LONGEST


def fraction_readings(numerator: str, denominator: str) -> list[str]:
    """3/4 -> "three quarters"; 9/11 also "nine eleven"."""
    apart = [
        f"{above} {below}"
        for above in integer_readings(numerator)[:1]
        for below in integer_readings(denominator)[:1]
    ]
    if len(numerator) > 2 or len(denominator) > 3 or not 0 < int(numerator) < int(denominator):
        return apart
    below = int(denominator)
    one, many = _DENOMINATORS.get(below, (ordinal(below), plural(ordinal(below))))
    if int(numerator) == 1:
        return [f"one {one}", f"a {one}", *apart]
    return [f"{cardinal(int(numerator))} {many}", *apart]


def money_readings(amount: str, scale: str, unit: tuple[str, str, str, str]) -> list[str]:
    """Ways to read an amount: "three dollars and fifty cents", "three dollars fifty", ...

    Args:
        amount: "3.50" or "1,000".
        scale: "million" and the like, or "".
        unit: ("dollar", "dollars", "cent", "cents").
    """
    one, many, one_part, many_parts = unit
    whole, _, parts = amount.partition(".")
    whole = whole or "0"
    if scale or len(parts) not in (0, 2):
        return [f"{words} {scale} {many}".replace("  ", " ") for words in number_readings(amount)]
    heads = number_readings(whole)
    if len(whole) == 4 and year(int(whole)):  # $1500 is a number before it is a year
        heads = [*heads[1:], heads[0]]
    name = one if whole == "1" else many
    full = [f"{words} {name}" for words in heads]
    if whole == "1":
        full.append(f"a {one}")
    if not parts or parts == "00":
        return full
    small = cardinal(int(parts))
    cents = f"{small} {one_part if parts == '01' else many_parts}"
    if whole == "0":
        return [cents]
    found = [f"{full[0]} {link}{end}" for link, end in (("and ", cents), ("", cents), ("", small))]
    return [*found, f"{heads[0]} {two_digits(int(parts))}"]


def time_readings(hours: str, minutes: str, seconds: str, half: str) -> list[str]:
    """Ways to read a time of day: 10:30 -> "ten thirty", 10:00 -> "ten o'clock".

    Args:
        hours: one or two digits.
        minutes: two digits.
        seconds: two digits or "".
        half: "a m", "p m" or "".
    """
    head = cardinal(int(hours))
    exact = minutes == "00" and not seconds
    parts = [] if exact else [two_digits(int(part)) for part in (minutes, seconds) if part]
    said = " ".join([head, *parts, half]).strip()
    if exact and not half:
        return [f"{head} o'clock", head]
    return [said]


def _distinct(found: list[str]) -> list[str]:
    return list(dict.fromkeys(found))
