"""Which files of a room call each other in a circle. Calls count, as includes are of declarations;
so does a function that is only named, as in a table."""

import re

DEFINITION = re.compile(r"^(?!static\b)[A-Za-z_][^;{}=#\"]*?\b(\w+)\([^;{}]*\)\n\{", re.M)


def callees(sources):
    """For each file, by name, those that define what it calls. `sources` are texts by file."""
    home = {
        function: name for name, text in sources.items() for function in DEFINITION.findall(text)
    }
    return {
        name: {home[word] for word in re.findall(r"\w+", text) if word in home} - {name}
        for name, text in sources.items()
    }


def reached(graph, name):
    found = set()
    waiting = [name]
    while waiting:
        for other in graph[waiting.pop()] - found:
            found.add(other)
            waiting.append(other)
    return found


def circles(sources):
    """The sets of files of which each reaches each other, the largest first."""
    graph = callees(sources)
    reach = {name: reached(graph, name) for name in graph}
    found = {
        frozenset(other for other in reach[name] if name in reach[other]) for name in graph
    }
    return sorted((circle for circle in found if circle), key=len, reverse=True)
