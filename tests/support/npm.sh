# What the tests share that need npm. Sourced by bash.
# shellcheck shell=bash

# Why npm's packages can't be used here; nothing when they can.
npm_obstacle() {
    if ! command -v npm >/dev/null ||
        ! npm view typescript name --fetch-retries=1 --fetch-timeout=20000 >/dev/null 2>&1; then
        echo "npm can't be reached"
    elif ! node -e 'const [major, minor] = process.versions.node.split(".").map(Number);
                    process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)'; then
        echo "Node.js is older than 20.19"
    fi
}

# npm_install DIRECTORY: what its package.json names, and no scripts of theirs.
npm_install() {
    (cd "$1" && npm install --ignore-scripts --no-package-lock --no-audit --no-fund)
}
