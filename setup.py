"""The examples travel in the package: copied when it is built, so that a checkout has them once."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

TOP = Path(__file__).parent


class WithExamples(build_py):
    """Puts problem files, and the meshes that they name, where ``fokker-planck examples`` looks for them."""

    def run(self):
        """Build, and copy."""
        super().run()
        if getattr(self, "editable_mode", False):
            return
        for folder, pattern in (("examples", "*.toml"), ("meshes", "*.msh")):
            target = Path(self.build_lib, "fokker_planck", "data", folder)
            target.mkdir(parents=True, exist_ok=True)
            for file in sorted((TOP / folder).glob(pattern)):
                shutil.copy(file, target)


setup(cmdclass={"build_py": WithExamples})
