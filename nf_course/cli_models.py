"""nf-course recipes, train, table, upscale: what concerns the models and their weights. Chapters 6, 8 and 11."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from nf_course import parallel, recipes
from nf_course.devices import device
from nf_course.runs import machine, table, train
from nf_course.upscale_file import upscale_file

__all__ = ["add_models"]


def add_models(commands: argparse._SubParsersAction) -> None:
    """Four commands, each with its own options."""
    listed = commands.add_parser(
        "recipes",
        help="list the recipes",
        description="What can be trained: name, steps, batch, and whether weights ship.",
        epilog="examples:\n  nf-course recipes\n  nf-course recipes --json",
    )
    listed.add_argument("--json", action="store_true", help="for a script: a list of {recipe, steps, ...}")
    listed.set_defaults(run=_recipes)

    run = commands.add_parser(
        "train",
        help="train a recipe; goes on where it was cut off",
        description="Run one recipe. It leaves NAME.safetensors (weights), .json (a card), .csv and .png (the log).\n"
        "Ctrl-C ends it early with the best weights so far; a run that was cut off goes on when it is called again.",
        epilog="examples:\n  nf-course train nice-digits\n  nf-course train glow-mnist --out runs --seed 1\n"
        "  nf-course train glow-cifar10 --data FOLDER",
    )
    run.add_argument("recipe", help="its name, as `nf-course recipes` lists it")
    run.add_argument("--out", default="runs", help="folder for weights, card and log (default: runs)")
    run.add_argument("--steps", type=int, help="instead of the recipe's own number")
    run.add_argument("--seed", type=int, default=0, help="of the first weights and the order of the data (default: 0)")
    run.add_argument("--data", metavar="FOLDER", help="the folder of a data set that does not ship")
    run.set_defaults(run=_train)

    again = commands.add_parser(
        "table",
        help="measure the shipped weights: held-out bits/dim, parameters, time",
        description="Each recipe whose weights ship, measured here and now on its test data.",
        epilog="examples:\n  nf-course table\n  nf-course table nice-digits glow-digits --json",
    )
    again.add_argument("recipe", nargs="*", help="which (default: all that ship)")
    again.add_argument("--json", action="store_true", help="for a script: {machine, rows: [{recipe, bits/dim, ...}]}")
    again.set_defaults(run=_table)

    larger = commands.add_parser(
        "upscale",
        help="enlarge a picture with SRFlow",
        description="Draw samples of an SRFlow, given a picture, and say what was done.",
        epilog="examples:\n  nf-course upscale photo.jpg\n"
        "  nf-course upscale photo.jpg --scale 2 --samples 3 --temperature 0.9 --out large.png",
    )
    larger.add_argument("image", help="a picture file: PNG, JPEG, WebP, TIFF, ...")
    larger.add_argument("--out", help="where to (default: beside the picture, NAME-4x.png)")
    larger.add_argument("--scale", type=int, default=4, help="4 (default) or 2")
    larger.add_argument("--temperature", type=float, default=0.8, help="0: smooth, 1: as learned (default: 0.8)")
    larger.add_argument("--samples", type=int, default=1, help="how many different ones (default: 1)")
    larger.add_argument("--seed", type=int, default=0, help="of the samples (default: 0)")
    larger.set_defaults(run=_upscale)


def _train(given: argparse.Namespace) -> None:
    with parallel.joined():
        card = train(given.recipe, given.out, given.steps, given.seed, given.data)
        if parallel.rank() == 0:
            asked = given.steps or recipes.recipe(given.recipe).steps
            early = f", stopped after {card['steps']} of {asked} steps" if card["steps"] < asked else ""
            print(
                f"{card['recipe']}: {card['bits_per_dim']['test']:.3f} bits/dim on test{early}, files in {given.out}/"
            )


def _upscale(given: argparse.Namespace) -> None:
    print(upscale_file(given.image, given.out, given.scale, given.temperature, given.samples, given.seed).words)


def _shipped() -> list[str]:
    return [name for name in recipes.RECIPES if (recipes.FOLDER / f"{name}.safetensors").exists()]


def _recipes(given: argparse.Namespace) -> None:
    shipped, rows = _shipped(), []
    for name, recipe in recipes.RECIPES.items():
        note = f"needs {recipe.folder}" if recipe.folder else "weights ship" if name in shipped else ""
        row = {"recipe": name, "steps": recipe.steps, "batch_size": recipe.batch_size}
        rows.append(row | {"needs": recipe.folder or None, "weights_ship": name in shipped})
        if not given.json:
            print(f"{name:22}{recipe.steps:>8} steps of {recipe.batch_size:<5}{note}".rstrip())
    if given.json:
        print(json.dumps(rows, indent=1))


def _table(given: argparse.Namespace) -> None:
    names: Sequence[str] = given.recipe or _shipped()
    if given.json:
        print(json.dumps({"machine": machine(device()), "rows": table(names)}, indent=1))
        return
    rows = table(names)  # first: where a name is wrong, no table is begun
    print(f"on {machine(device())}, test data, batch of the recipe")
    print(f"{'recipe':22}{'bits/dim':>10}{'card':>9}{'parameters':>13}{'ms/step':>10}{'ms/sample':>11}")
    for row in rows:
        print(
            f"{row['recipe']:22}{row['bits/dim']:>10.3f}{row['card']:>9.3f}{row['parameters']:>13,}"
            f"{row['ms_step']:>10.1f}{row['ms_sample']:>11.2f}"
        )
