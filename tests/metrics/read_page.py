"""Reads a metrics page from standard input with a parser of prometheus_client and writes its families as JSON."""
import importlib
import io
import json
import sys


def number(value):
    return "NaN" if value != value else {float("inf"): "Infinity", float("-inf"): "-Infinity"}.get(value, repr(float(value)))


parser = importlib.import_module(sys.argv[1])
page = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", newline="\n")
json.dump([
    {
        "name": family.name,
        "type": family.type,
        "help": family.documentation,
        "samples": [[sample.name, sample.labels, number(sample.value)] for sample in family.samples],
    }
    for family in parser.text_fd_to_metric_families(page)
], sys.stdout)
