"""Training sets made by the binary, one statement and process each, and the files of their splits."""

import dataclasses
import json
import pathlib

import cluster
from checks import quoted
from inputs import Input


@dataclasses.dataclass(frozen=True)
class TrainingSet:
    location: pathlib.Path

    def shards(self, split: str | None = None) -> list[pathlib.Path]:
        """The shards of a split, or of all, as the manifest lists them."""
        listed = self.side_file("manifest.json")["shards"]
        return [self.location / shard["path"] for shard in listed if split in (None, shard["split"])]

    def splits(self) -> dict[str, list[pathlib.Path]]:
        """The shards of each split."""
        return {split["name"]: self.shards(split["name"]) for split in self.side_file("manifest.json")["splits"]}

    def suffixes(self) -> set[str]:
        return {"".join(file.suffixes) for file in self.shards()}

    def side_file(self, name: str):
        return json.loads((self.location / "_gristmill" / name).read_text(encoding="utf-8"))


@dataclasses.dataclass(frozen=True)
class Maker:
    """Runs `CREATE TRAINING SET` over the rows of the input: splits by the key, two shards each, shuffled."""

    binary: pathlib.Path
    folder: pathlib.Path
    deadline_s: float
    input: Input

    def make(
        self,
        kind: str,
        columns: str,
        *,
        label: str = "y",
        splits: str = "train 0.75, test 0.25",
        options: str = "",
        where: str = "true",
    ) -> TrainingSet:
        location = self.folder / "sets" / f"{len(list((self.folder / 'sets').glob('*'))):02}-{kind.lower()}"
        listed = ", ".join(["'shards' '2'"] * ("'shards'" not in options) + [options] * bool(options))
        self.run(
            f"CREATE TRAINING SET s LOCATION {quoted(location)} STORED AS {kind} {f'LABEL ({label})' if label else ''} "
            f"SPLIT ({splits}) BY KEY (id) SHUFFLE SEED 7 OPTIONS ({listed}) "
            f"AS SELECT {columns} FROM {quoted(self.input.file)} WHERE {where}"
        )
        return TrainingSet(location)

    def run(self, statement: str) -> str:
        return cluster.run(self.binary, ["--quiet", "sql", statement], self.folder, self.deadline_s)
