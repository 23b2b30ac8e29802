"""Runs the scenario with another SDK and with this library, each against a judgeval-local of its own, and compares what they sent.

    run.py python|npm JUDGEVAL_LOCAL SCENARIO_HERE DOCUMENT SDKS

SDKS is the folder that tools/setup --tests installs the others in. Prints every difference; exits with 0 when DOCUMENT lists
them all and lists no others, and with 77 (skipped) when the SDK is not there.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import urllib.request

import compare
import recording

SKIPPED = 77
PATIENCE_SECONDS = 120
KEY, ORGANIZATION = "conformance-key", "organization"
# No proxy: everything here is on 127.0.0.1.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def environment(**extra):
    """This process's environment without what would steer a scenario. What the SDKs ask of the internet (whether there is
    a newer version) is sent to a port where nobody listens."""
    unwanted = ("JUDGMENT_", "OTEL_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(unwanted)}
    nowhere = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9")
    return {**kept, **nowhere, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", **extra}


def record(local, command, directory):
    """Runs the command against a judgeval-local that captures what it sends into the directory."""
    directory.mkdir()
    # A fixed key, and only that one: what is captured leaves it out.
    backend = subprocess.Popen(
        [local, "--print", "0", "--api-key", KEY, "--capture", str(directory), "--prompt-scorer", "Tone=Is it polite?"],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    watchdog = threading.Timer(2 * PATIENCE_SECONDS, backend.kill)
    watchdog.start()
    try:
        line = backend.stdout.readline()
        assert line.startswith("judgeval-local listening on "), f"judgeval-local said {line!r}"
        url = line.split()[-1]
        variables = environment(
            JUDGMENT_API_URL=url,
            JUDGMENT_API_KEY=KEY,
            JUDGMENT_ORG_ID=ORGANIZATION,
            OTEL_RESOURCE_ATTRIBUTES="team=blue,service.version=0.9",
        )
        done = subprocess.run(command, timeout=PATIENCE_SECONDS, env=variables)
        assert done.returncode == 0, f"{command} ended with {done.returncode}"
        with OPENER.open(url + "/api/projects", timeout=30) as answer:
            projects = json.load(answer)["projects"]
        names = {project["project_id"]: project["name"] for project in projects}
        (directory / "projects.json").write_text(json.dumps(names))
    finally:
        watchdog.cancel()
        backend.terminate()
        backend.wait()
        backend.stdout.close()
    return recording.read(directory)


def scenario_of(sdk, sdks):
    """The command that runs it."""
    folder = pathlib.Path(__file__).parent
    if sdk == "python":
        return [sys.executable, "-B", str(folder / "scenario.py")]
    if not (sdks / "npm/node_modules/judgeval").is_dir():
        print(f"SKIPPED: there is no npm SDK in {sdks}. Run tools/setup --tests, or set JUDGEVAL_TEST_SDKS.")
        sys.exit(SKIPPED)
    return ["node", str(folder / "scenario.mjs"), str(sdks / "npm")]


def main(sdk, local, scenario_here, document, sdks):
    scenario_there = scenario_of(sdk, pathlib.Path(sdks))
    with tempfile.TemporaryDirectory(prefix="judgeval-conformance-") as temporary:
        directory = pathlib.Path(temporary)
        there = record(local, scenario_there, directory / "there")
        here = record(local, [scenario_here], directory / "here")
    found = compare.differences(sdk, there, here)
    for difference in found:
        print(difference)
    wrong = compare.judge(found, compare.listed(pathlib.Path(document).read_text(), sdk))
    print(f"{len(there['spans'])} spans there, {len(here['spans'])} here; {len(found)} differences; {len(wrong)} wrong")
    for problem in wrong:
        print(problem)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
