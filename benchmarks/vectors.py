"""Write the embedded products of a database into one file, from which the other benchmarks fill theirs."""

from pathlib import Path

from benchmarks._sample import Sample
from benchmarks._setup import arguments, catalogue


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--out", type=Path, required=True, help="the .npz file to write")
    options = parser.parse_args()
    with catalogue(options) as (database, _settings):
        sample = Sample.read(database)
    sample.save(options.out)
    print(f"{len(sample)} products in {options.out}, {options.out.stat().st_size / 2**20:.0f} MiB")


if __name__ == "__main__":
    main()
