"""What a text must be to be stored: without NUL, which PostgreSQL does not have, and encodable as UTF-8."""


def why_not_storable(text: str) -> str:
    """The end of a sentence that the field's name begins, such as "must not contain ..."; empty when it is fine."""
    if "\0" in text:
        return "must not contain the character NUL (U+0000)"
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "must be valid Unicode: it has half of a surrogate pair (U+D800 to U+DFFF)"
    return ""
