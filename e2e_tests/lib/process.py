"""Running a program to its end, with an error that shows what it said."""

import subprocess


# Of a command line in an error; characters.
LONGEST_SHOWN = 300


class ProgramError(RuntimeError):
    """A program failed; the text has its command line, exit status and output."""


def run(arguments, *, stdin: str = "", cwd=None, timeout: float = 600, env=None) -> str:
    """Runs a program without a shell and returns its standard output. Raises ProgramError."""
    arguments = [str(argument) for argument in arguments]
    shown = " ".join(arguments)
    if len(shown) > LONGEST_SHOWN:
        shown = f"{shown[:LONGEST_SHOWN]} ..."
    try:
        done = subprocess.run(arguments, input=stdin, cwd=cwd, timeout=timeout, env=env, text=True,
                              errors="replace", stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              check=False)
    except FileNotFoundError as error:
        raise ProgramError(f"{arguments[0]} is not installed "
                           "(scripts/install_packages.sh machines)") from error
    except subprocess.TimeoutExpired as error:
        raise ProgramError(f"{shown}: not done after {timeout} s") from error
    if done.returncode != 0:
        raise ProgramError(f"{shown}: exit status {done.returncode}\n"
                           f"{done.stdout}{done.stderr}")
    return done.stdout
