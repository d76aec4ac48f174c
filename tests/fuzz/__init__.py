"""A fuzzer that stays: `make fuzz`, or `python -m tests.fuzz`; a small share of it runs with the other tests.

Its parts: `hostile` (texts and numbers), `seeds` (what is damaged), `mutators` (how), `cases` (a damaged input and a
call of oomsel, made from a seed's number alone), `laws` (what must hold of any call, whatever it is given), `runner`
(many of them, in a process that may die); `scenarios` (random ones that are right), `kernel_rules` (the rules of the
choice written again, plainly), `scenario_laws` (what must hold of a right one).
"""
