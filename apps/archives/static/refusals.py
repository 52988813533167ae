"""Why a file is not taken, as a sentence for the person who sent it."""


class FileRefused(Exception):
    """The file cannot be stored or shown; `sentence` says why and holds nothing of its patient."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
