"""nf-course: train and list recipes, measure the shipped weights, enlarge a picture, grade a class, begin an exercise.

nf-course train glow-digits;  table;  upscale IMAGE;  measure edits;  grade FOLDER;  new exercise 03.roundtrip.
Chapters 6, 8 and 11 to 16.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from nf_course import parallel, recipes
from nf_course.cli_doctor import add_doctor, doctor
from nf_course.cli_grade import add_grade, grade
from nf_course.cli_measures import MEASURES
from nf_course.cli_new import add_new, new
from nf_course.devices import device
from nf_course.runs import machine, table, train
from nf_course.upscale_file import upscale_file

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command `nf-course`; the exit status.

    >>> main(["train", "no-such-recipe"])
    2
    """
    parser = argparse.ArgumentParser("nf-course", description="Models of the course on normalizing flows.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("recipes", help="list the recipes")
    run = commands.add_parser("train", help="train a recipe; goes on where it was cut off")
    run.add_argument("recipe")
    run.add_argument("--out", default="runs", help="folder for weights, card and log (default: runs)")
    run.add_argument("--steps", type=int, help="instead of the recipe's own number")
    run.add_argument("--seed", type=int, default=0)
    run.add_argument("--data", metavar="FOLDER", help="the folder of a data set that does not ship")
    again = commands.add_parser("table", help="measure the shipped weights: held-out bits/dim, parameters, time")
    again.add_argument("recipe", nargs="*", help="which (default: all that ship)")
    larger = commands.add_parser("upscale", help="enlarge a picture with SRFlow")
    larger.add_argument("image", help="a picture file: PNG, JPEG, WebP, TIFF, ...")
    larger.add_argument("--out", help="where to (default: beside the picture, NAME-4x.png)")
    larger.add_argument("--scale", type=int, default=4, help="4 (default) or 2")
    larger.add_argument("--temperature", type=float, default=0.8, help="0: smooth, 1: as learned (default: 0.8)")
    larger.add_argument("--samples", type=int, default=1, help="how many different ones")
    larger.add_argument("--seed", type=int, default=0)
    scores = commands.add_parser("measure", help="the table of a chapter, measured here and now")
    scores.add_argument("what", choices=list(MEASURES), help="chapters 11 to 16, in their order")
    scores.add_argument("--scale", type=int, default=4, help="of upscaling: 4 (default) or 2")
    scores.add_argument("--size", type=int, help="only a square of so many pixels in the middle of each photograph")
    scores.add_argument("--faces", type=int, default=500, help="of edits: how many held-out faces (default: 500)")
    scores.add_argument("--search", type=int, default=0, help="of edits: the search by gradients too, on so many faces")
    add_grade(commands)
    add_new(commands)
    add_doctor(commands)
    given = parser.parse_args(arguments)
    try:
        if given.command == "recipes":
            _list()
        elif given.command == "train":
            with parallel.joined():
                card = train(given.recipe, given.out, given.steps, given.seed, given.data)
                if parallel.rank() == 0:
                    print(
                        f"{card['recipe']}: {card['bits_per_dim']['test']:.3f} bits/dim on test, files in {given.out}/"
                    )
        elif given.command == "upscale":
            done = upscale_file(given.image, given.out, given.scale, given.temperature, given.samples, given.seed)
            print(done.words)
        elif given.command == "grade":
            return grade(given)
        elif given.command == "new":
            return new(given)
        elif given.command == "doctor":
            return doctor(given)
        elif given.command == "measure":
            MEASURES[given.what](**vars(given))
        else:
            _print_table(given.recipe or _shipped())
    except (ValueError, FileNotFoundError, RuntimeError) as error:
        print(f"nf-course: {error}", file=sys.stderr)
        return 2
    return 0


def _shipped() -> list[str]:
    return [name for name in recipes.RECIPES if (recipes.FOLDER / f"{name}.safetensors").exists()]


def _list() -> None:
    shipped = _shipped()
    for name, recipe in recipes.RECIPES.items():
        note = f"needs {recipe.folder}" if recipe.folder else "weights ship" if name in shipped else ""
        print(f"{name:22}{recipe.steps:>8} steps of {recipe.batch_size:<5}{note}".rstrip())


def _print_table(names: Sequence[str]) -> None:
    print(f"on {machine(device())}, test data, batch of the recipe")
    print(f"{'recipe':22}{'bits/dim':>10}{'card':>9}{'parameters':>13}{'ms/step':>10}{'ms/sample':>11}")
    for row in table(names):
        print(
            f"{row['recipe']:22}{row['bits/dim']:>10.3f}{row['card']:>9.3f}{row['parameters']:>13,}"
            f"{row['ms_step']:>10.1f}{row['ms_sample']:>11.2f}"
        )


if __name__ == "__main__":
    sys.exit(main())
