"""The table of a run: as text, as JSON and as a chart."""

import dataclasses
import json
import os
import platform
import re
import subprocess
from collections import Counter
from xml.sax.saxutils import escape

import world


@dataclasses.dataclass
class Row:
    """One measure beside its baseline. `ratio` is what is compared with `target`, if there is one."""

    name: str
    figure: str
    baseline: str = ""
    ratio: float | None = None
    target: float | None = None
    is_lower_better: bool = False
    unit: str = "x"

    def is_reached(self):
        if self.target is None or self.ratio is None:
            return None
        return self.ratio <= self.target if self.is_lower_better else self.ratio >= self.target

    def share(self):
        """How far it got: 1 is the target, more is better."""
        if self.is_lower_better:
            return self.target / self.ratio if self.ratio > 0 else 10.0
        return self.ratio / self.target

    def cells(self):
        reached = {None: "", True: "yes", False: "NO"}[self.is_reached()]
        bound = "at most" if self.is_lower_better else "at least"
        target = "" if self.target is None else f"{bound} {number(self.target)}{self.unit}"
        ratio = "" if self.ratio is None else f"{number(self.ratio)}{self.unit}"
        return [self.name, self.figure, self.baseline, ratio, target, reached]

    def as_json(self):
        return {**dataclasses.asdict(self), "is_reached": self.is_reached()}


def number(value):
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}".rstrip("0").rstrip(".")


def as_text(rows):
    lines = [["measure", "figure", "beside", "ratio", "to reach", "reached"]]
    lines += [row.cells() for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    text = ["| " + " | ".join(c.ljust(w) for c, w in zip(line, widths)) + " |" for line in lines]
    text.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(text)


def machine():
    """What the figures depend on and a reader can't see."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"^model name\s*: (.*)$", file.read(), re.M)
    with open("/proc/meminfo", encoding="ascii") as file:
        memory = Counter({
            name: int(number) for name, number in re.findall(r"^(\w+):\s+(\d+)", file.read(), re.M)})
    # A kernel without huge pages doesn't name them.
    huge_pages = memory["HugePages_Total"] - memory["HugePages_Free"] + memory["HugePages_Rsvd"]
    disk = subprocess.run(
        ["df", "--output=fstype", world.WORKPLACE], capture_output=True, text=True, check=False)
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": model.group(1) if model else platform.machine(),
        "memory_gib": round(memory["MemTotal"] / 1024 / 1024, 1),
        "huge_pages_mib": huge_pages * memory["Hugepagesize"] // 1024,
        "kernel": platform.release(),
        "disk": disk.stdout.split()[-1] if disk.stdout else "unknown",
        "postgresql": world.run_sql("postgres", "SHOW server_version"),
        "flushes_a_second": world.flushes_a_second(),
        "loopback": "its own" if os.environ.get("BENCH_LOOPBACK") else "the machine's",
        "load_average": os.getloadavg()[0],
    }


def machine_line(about):
    return (
        f"{about['cores']} cores of {about['processor']}, {about['memory_gib']} GiB "
        f"({about['huge_pages_mib']:,} MiB in huge pages), "
        f"Linux {about['kernel']}, PostgreSQL {about['postgresql']}, {about['disk']} with "
        f"{about['flushes_a_second']:,} flushes/s, {about['loopback']} loopback; "
        f"load before the run {about['load_average']:.1f}")


def chart(rows, mode):
    """A bar a row, as long as it got towards its target (the line), both readable on any ground."""
    rows = [row for row in rows if row.is_reached() is not None]
    height, label, scale, most = 24, 430, 190, 2.0
    width, total = 1020, 70 + height * len(rows)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{total}" '
        f'viewBox="0 0 {width} {total}" font-family="sans-serif" font-size="13">',
        "<style>text{fill:#24292f}.l{stroke:#24292f}"
        "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.l{stroke:#e6edf3}}</style>",
        f'<text x="10" y="22" font-size="15">cartd beside its baselines ({escape(mode)}): '
        "each bar is the figure, the line its target</text>",
    ]
    for i, row in enumerate(rows):
        y = 40 + i * height
        length = min(row.share(), most) * scale
        colour = "#2da44e" if row.is_reached() else "#cf222e"
        cells = row.cells()
        lines += [
            f'<text x="{label - 8}" y="{y + 15}" text-anchor="end">{escape(row.name)}</text>',
            f'<rect x="{label}" y="{y + 3}" width="{length:.0f}" height="{height - 8}" fill="{colour}"/>',
            f'<text x="{label + scale * most + 10:.0f}" y="{y + 15}">{escape(cells[3])}, '
            f"{escape(cells[4])}</text>",
        ]
    x = label + scale
    lines.append(f'<line class="l" x1="{x}" x2="{x}" y1="36" y2="{total - 26}" stroke-dasharray="4 3"/>')
    lines.append("</svg>")
    return "\n".join(lines) + "\n"


def as_lines(result):
    """JSON with a line for each row, check and series of samples."""
    parts = []
    for name, value in result.items():
        if isinstance(value, list):
            value = "[\n  " + ",\n  ".join(json.dumps(item) for item in value) + "\n ]"
        elif isinstance(value, dict):
            lines = (f"{json.dumps(key)}: {json.dumps(item)}" for key, item in value.items())
            value = "{\n  " + ",\n  ".join(lines) + "\n }"
        else:
            value = json.dumps(value)
        parts.append(f" {json.dumps(name)}: {value}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def write(folder, mode, about, rows, checks, samples):
    result = {
        "mode": mode, "machine": about, "rows": [row.as_json() for row in rows],
        "checks": checks, "samples": samples,
    }
    with open(os.path.join(folder, "results.json"), "w", encoding="utf-8") as file:
        file.write(as_lines(result))
    with open(os.path.join(folder, "results.svg"), "w", encoding="utf-8") as file:
        file.write(chart(rows, mode))
