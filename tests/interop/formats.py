"""Makes training sets of every format and has others read them. The files beside this one say what must hold of which."""

import pathlib

from check_failure import check_failure
from check_records import check_records
from check_samples import check_samples
from check_side_files import check_side_files
from check_tables import check_tables
from check_text import check_text
from checks import Checks
from inputs import Input
from sets import Maker


def check_formats(checks: Checks, binary: pathlib.Path, folder: pathlib.Path, deadline_s: float) -> None:
    """In `folder`, which is left as it is afterwards."""
    (folder / "sets").mkdir(parents=True)
    maker = Maker(binary, folder, deadline_s, Input(folder))
    for check in [check_text, check_tables, check_records, check_samples, check_side_files, check_failure]:
        check(checks, maker)
