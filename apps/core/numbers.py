def is_whole_number(text: str, *, most_digits: int = 18) -> bool:
    """Whether it is written in plain digits alone, and is not too long; with 18 it is below 2^63."""
    return text.isascii() and text.isdecimal() and len(text) <= most_digits
