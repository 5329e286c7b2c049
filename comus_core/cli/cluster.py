"""`comus cluster up|status|down`: nodes of a Ray cluster on this machine."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from comus_core.cli.options import JSON, give
from comus_core.compute.ray_nodes import RayNode, list_nodes, start_nodes, stop_nodes
from comus_core.files.output_file import OutputFile
from comus_core.machine.device import cpu_cores
from comus_core.text import counted


@click.group()
def cluster() -> None:
    """A Ray cluster for `--compute ray`: start nodes on this machine, list them, end them."""


@cluster.command()
@click.option("--nodes", type=click.IntRange(1), default=1, show_default=True, metavar="N", help="How many to start.")
@click.option(
    "--cpus", type=click.FloatRange(0, min_open=True), metavar="N", help="Workers of each node; default: processors."
)
@click.option("--address", default="", metavar="HOST:PORT", help="Join the cluster there; default: begin one here.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address that other machines join a new one by.")
@click.option("--port", type=int, default=6379, show_default=True, help="Port of a new one.")
def up(nodes: int, cpus: float | None, address: str, host: str, port: int) -> None:
    """Start nodes on this machine."""
    share = cpus or max(1, cpu_cores() // nodes)
    started = start_nodes(nodes, cpus=share, address=address, host=host, port=port)
    where = started[0].address
    what = f"{counted(len(started), 'node')} of {share:g} CPU at {where}"
    click.echo(f"{what}: `comus run DATASET --compute ray` uses them")
    if not where.startswith("127."):
        click.echo(f"on another machine: `comus cluster up --address {where}`")


@cluster.command()
@JSON
def status(json_file: OutputFile | None) -> None:
    """List the nodes that were started on this machine."""
    nodes = list_nodes()
    give([_row(node) for node in nodes], json_file)
    if json_file is None or str(json_file) != "-":
        for node in nodes:
            kind = "head" if node.head else "node"
            click.echo(f"{kind} of {node.address}, {node.cpus:g} CPU, process {node.process.pid}")
        if not nodes:
            click.echo("no node of Ray was started here: `comus cluster up` does")


@cluster.command()
def down() -> None:
    """End the nodes that were started on this machine, and no others."""
    click.echo(f"{counted(stop_nodes(), 'node')} ended")


def _row(node: RayNode) -> dict[str, Any]:
    return {**asdict(node), "process": node.process.pid}
