"""Arguments of commands: what is wrong with them is said in one line, with what may have been meant."""

from __future__ import annotations

import argparse
import re
from typing import Any, NoReturn

from fokker_planck.cli.ending import BAD_INPUT, COMMAND
from fokker_planck.output.parallel import guessed_rank


class OneLineParser(argparse.ArgumentParser):
    """Says what is wrong with the arguments in one line, as a wrong problem file is answered, and only on one rank."""

    def error(self, message: str) -> NoReturn:
        """End with the line and where help is."""
        self.exit(BAD_INPUT, f"{COMMAND}: {' '.join(message.split())}{self._meant(message)}; try {self.prog} --help\n")

    def option_texts(self) -> list[str]:
        """All options as they are written."""
        return sorted(self._option_string_actions)

    def _meant(self, message: str) -> str:
        """The known options nearest to those that are not."""
        from fokker_planck.formulas.parsing.near import did_you_mean

        if not message.startswith("unrecognized arguments"):
            return ""
        unknown = [word.partition("=")[0] for word in re.findall(r"(?<!\S)--?[a-zA-Z][^\s]*", message)]
        return "".join(did_you_mean(word, self.option_texts()) for word in unknown)

    def _print_message(self, message: str, file: Any = None) -> None:
        if guessed_rank() == 0:
            super()._print_message(message, file)
