# ruff: noqa: E501 - a form is a line, as in the logs themselves
"""One report as people hold it: every wrapping that is met, made from a real log's records."""

from __future__ import annotations

import csv
import html
import io
import json
import quopri
import textwrap
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import yaml

from tests.real_logs import Record, records

BOOT = datetime(2026, 8, 12, 3, 54, 1, tzinfo=UTC)
NAME = "10-cpuset.log"


class Entry(NamedTuple):
    """A line of the log: its text, with the kernel's stamp and without, and when it was logged."""

    text: str
    stamped: str
    when: datetime

    def date(self, form: str) -> str:
        return self.when.strftime(form)

    @property
    def iso(self) -> str:
        return self.date("%Y-%m-%dT%H:%M:%S.%fZ")

    @property
    def epoch(self) -> int:
        """Microseconds."""
        return (self.when - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def entries(name: str = NAME) -> list[Entry]:
    """The log's lines; a record of several lines is several."""
    found = []
    for record in records(name):
        when = BOOT + timedelta(microseconds=record.usec)
        found += [Entry(text, _stamped(record, text), when) for text in record.text.decode().split("\n")]
    return found


def _stamped(record: Record, text: str) -> str:
    seconds, micro = divmod(record.usec, 1_000_000)
    return f"[{seconds:5d}.{micro:06d}] {text}"


class Form(NamedTuple):
    """A wrapping, and whether it has a time."""

    wrap: Callable[[list[Entry]], str | bytes]
    has_time: bool = True


def _each(line: Callable[[Entry], str], end: str = "\n") -> Callable[[list[Entry]], str]:
    return lambda found: "".join(line(entry) + end for entry in found)


def _json(*objects: object, **options: object) -> str:
    return "\n".join(json.dumps(each, **options) for each in objects) + "\n"  # type: ignore[arg-type]


def _records(make: Callable[[Entry], object]) -> Callable[[list[Entry]], str]:
    return lambda found: _json(*map(make, found))


def _document(make: Callable[[list[Entry]], object], indent: int | None = None) -> Callable[[list[Entry]], str]:
    return lambda found: _json(make(found), indent=indent)


def _csv(names: list[str], make: Callable[[Entry], list[str]], quoting: int) -> Callable[[list[Entry]], str]:
    def write(found: list[Entry]) -> str:
        out = io.StringIO()
        writer = csv.writer(out, quoting=quoting)  # type: ignore[arg-type]
        writer.writerows([names, *map(make, found)])
        return out.getvalue()

    return write


def _html(line: Callable[[str], str], before: str = "", after: str = "") -> Callable[[list[Entry]], str]:
    return lambda found: before + "".join(line(html.escape(entry.stamped, quote=False)) for entry in found) + after


def _wrapped(width: int, *, words: bool) -> Callable[[list[Entry]], str]:
    def write(found: list[Entry]) -> str:
        lines = []
        for entry in found:
            text = entry.stamped.rstrip()
            if words:
                lines += textwrap.wrap(
                    text, width, break_long_words=False, break_on_hyphens=False, drop_whitespace=True
                ) or [text]
            else:
                lines += [text[at : at + width] for at in range(0, len(text), width)] or [text]
        return "\n".join(lines) + "\n"

    return write


def _quoted_printable(found: list[Entry]) -> bytes:
    return quopri.encodestring(_each(lambda entry: entry.stamped)(found).encode())


def _plain(found: list[Entry]) -> str:
    return _each(lambda entry: entry.stamped)(found)


def _logfmt(entry: Entry, key: str = "msg") -> str:
    return f"ts={entry.iso} level=info host=node7 {key}={json.dumps(entry.stamped)}"


def _ruby(fields: dict[str, object]) -> str:
    return "{" + ", ".join(f"{json.dumps(name)}=>{json.dumps(value)}" for name, value in fields.items()) + "}"


def _docker_parts(found: list[Entry]) -> str:
    texts = ((e, e.stamped + "\n") for e in found)
    parts = ((e, text[at : at + 90]) for e, text in texts for at in range(0, len(text), 90))
    return _json(*({"log": part, "stream": "stdout", "time": e.iso} for e, part in parts))


def _fragments(found: list[Entry]) -> str:
    lines = []
    for number, entry in enumerate(found):
        size, usec = len(entry.text), round(float(entry.stamped[1:].partition("]")[0]) * 1e6)
        for at in range(0, max(size, 1), 90):
            part = f",ncfrag={at}/{size}" if size > 90 else ""
            lines.append(f"4,{number},{usec},-{part};{entry.text[at : at + 90]}\n")
    return "".join(lines)


_POD = {"labels": {"app": "node-agent"}, "pod_name": "agent-x2x", "host": "node7"}

FORMS: dict[str, Form] = {
    "plain": Form(_plain),
    "no stamps": Form(_each(lambda e: e.text), has_time=False),
    "CRLF": Form(_each(lambda e: e.stamped, "\r\n")),
    "UTF-8 with a mark": Form(lambda found: "\ufeff" + _plain(found)),
    "UTF-16 LE": Form(lambda found: b"\xff\xfe" + _plain(found).encode("utf-16-le")),
    "UTF-16 BE": Form(lambda found: b"\xfe\xff" + _plain(found).encode("utf-16-be")),
    "UTF-16 without a mark": Form(lambda found: _plain(found).encode("utf-16-le")),
    "indented": Form(_each(lambda e: f"    {e.stamped}")),
    "indented by a tab": Form(_each(lambda e: f"\t{e.stamped}")),
    "quoted": Form(_each(lambda e: f"> {e.stamped}")),
    "a list in Markdown": Form(lambda found: "```\n" + _plain(found) + "```\n"),
    "no-break spaces": Form(lambda found: _plain(found).replace("  ", "\u00a0\u00a0")),
    "a blank line between": Form(_each(lambda e: f"{e.stamped}\n")),
    "colours of grep": Form(_each(lambda e: e.stamped.replace("oom", "\x1b[01;31m\x1b[Koom\x1b[m\x1b[K"))),
    "grep -n": Form(lambda found: "".join(f"{n}:{e.stamped}\n" for n, e in enumerate(found, 7))),
    "grep -H": Form(_each(lambda e: f"/var/log/kern.log:{e.stamped}")),
    "grep -Hn": Form(lambda found: "".join(f"/var/log/kern.log:{n}:{e.stamped}\n" for n, e in enumerate(found, 7))),
    "grep -Hn around syslog": Form(
        lambda found: "".join(
            f"var/messages:{n}:{e.date('%b %d %H:%M:%S')} node7 kernel: {e.stamped}\n" for n, e in enumerate(found, 7)
        )
    ),
    "grep -C": Form(
        lambda found: "".join(
            f"kern.log{':' if 'oom' in e.text else '-'}{n}{':' if 'oom' in e.text else '-'}{e.stamped}\n"
            for n, e in enumerate(found, 7)
        )
    ),
    "Docker's json-file": Form(_records(lambda e: {"log": e.stamped + "\n", "stream": "stdout", "time": e.iso})),
    "Docker's json-file around syslog": Form(
        _records(lambda e: {"log": f"{e.date('%b %d %H:%M:%S')} node7 kernel: {e.text}\n", "time": e.iso})
    ),
    "docker compose": Form(_each(lambda e: f"agent-1  | {e.stamped}")),
    "docker logs -t": Form(_each(lambda e: f"{e.iso} {e.stamped}")),
    "CRI": Form(_each(lambda e: f"{e.iso} stdout F {e.stamped}")),
    "CRI without the kernel's stamp": Form(_each(lambda e: f"{e.iso} stdout F {e.text}")),
    "CRI around journald JSON": Form(
        _each(lambda e: f"{e.iso} stdout F " + json.dumps({"MESSAGE": e.text, "_TRANSPORT": "kernel"}))
    ),
    "CRI around Docker around klog JSON": Form(
        _each(lambda e: f"{e.iso} stdout F " + json.dumps({"log": json.dumps({"msg": e.stamped}) + "\n"}))
    ),
    "kubectl logs --prefix": Form(_each(lambda e: f"[pod/agent-x2x/agent] {e.stamped}")),
    "kubectl logs --prefix, no stamps": Form(_each(lambda e: f"[pod/agent-x2x/agent] {e.text}"), has_time=False),
    "journalctl": Form(_each(lambda e: f"{e.date('%b %d %H:%M:%S')} node7 kernel: {e.text}")),
    "journalctl -o short-iso-precise": Form(_each(lambda e: f"{e.date('%Y-%m-%dT%H:%M:%S.%f+0200')} node7 kernel: {e.text}")),
    "journalctl -o with-unit": Form(_each(lambda e: f"{e.date('%a %Y-%m-%d %H:%M:%S')} UTC node7 kernel: {e.text}")),
    "journalctl -r": Form(
        lambda found: "".join(f"{e.date('%b %d %H:%M:%S')} node7 kernel: {e.text}\n" for e in reversed(found))
    ),
    "dmesg newest first": Form(lambda found: "".join(f"{e.stamped}\n" for e in reversed(found))),
    "journalctl -o json": Form(
        _records(lambda e: {"__REALTIME_TIMESTAMP": str(e.epoch), "_TRANSPORT": "kernel", "MESSAGE": e.text})
    ),
    "journalctl -o json, by grep": Form(_records(lambda e: {"MESSAGE": e.text, "PRIORITY": "4", "_HOSTNAME": "node7"}), has_time=False),
    "journalctl -o json-pretty": Form(
        lambda found: "".join(
            _json({"__REALTIME_TIMESTAMP": str(e.epoch), "_HOSTNAME": "node7", "MESSAGE": e.text}, indent="\t")
            for e in found
        )
    ),
    "an array of journald's": Form(
        _document(lambda found: [{"__REALTIME_TIMESTAMP": str(e.epoch), "MESSAGE": e.text} for e in found])
    ),
    "an array of journald's, a line each": Form(
        lambda found: "[" + ",\n".join(json.dumps({"MESSAGE": e.text, "__MONOTONIC_TIMESTAMP": "5"}) for e in found) + "]\n"
    ),
    "journald's, newest first": Form(
        lambda found: _json(*({"__REALTIME_TIMESTAMP": str(e.epoch), "MESSAGE": e.text} for e in reversed(found)))
    ),
    "Loki's API": Form(
        _document(
            lambda found: {
                "status": "success",
                "data": {
                    "resultType": "streams",
                    "result": [
                        {"stream": {"host": "node7"}, "values": [[str(e.epoch * 1000), e.stamped] for e in found]}
                    ],
                },
            }
        )
    ),
    "Loki's API, pretty": Form(
        _document(
            lambda found: {
                "data": {"result": [{"stream": {"host": "n7"}, "values": [[str(e.epoch * 1000), e.text] for e in found]}]}
            },
            2,
        )
    ),
    "logcli -o jsonl": Form(_records(lambda e: {"labels": {"job": "kern"}, "line": e.text, "timestamp": e.iso})),
    "logcli": Form(_each(lambda e: f'{e.date("%Y-%m-%dT%H:%M:%SZ")} {{host="node7", job="kern"}} {e.stamped}')),
    "logcli without the kernel's stamp": Form(
        _each(lambda e: f'{e.date("%Y-%m-%dT%H:%M:%SZ")} {{host="node7", job="kern"}} {e.text}')
    ),
    "CloudWatch's JSON": Form(
        _document(
            lambda found: {
                "events": [{"timestamp": e.epoch // 1000, "message": e.text, "ingestionTime": 1} for e in found],
                "nextForwardToken": "f/1",
            },
            4,
        )
    ),
    "CloudWatch's JSON in a line": Form(
        _document(lambda found: {"events": [{"timestamp": e.epoch // 1000, "message": e.stamped} for e in found]})
    ),
    "aws logs tail": Form(_each(lambda e: f"{e.date('%Y-%m-%dT%H:%M:%S.%f+00:00')} i-0abc123 {e.stamped}")),
    "aws logs tail, no stamps": Form(_each(lambda e: f"{e.date('%Y-%m-%dT%H:%M:%S.%f+00:00')} i-0abc123 {e.text}")),
    "aws logs tail --format short": Form(_each(lambda e: f"{e.date('%Y-%m-%dT%H:%M:%S')} {e.stamped}")),
    "CloudWatch Insights, CSV": Form(
        _csv(["@timestamp", "@message"], lambda e: [e.date("%Y-%m-%d %H:%M:%S.000"), e.text], csv.QUOTE_MINIMAL)
    ),
    "GCP, textPayload": Form(
        _document(lambda found: [{"insertId": "x", "textPayload": e.stamped, "timestamp": e.iso} for e in found], 2)
    ),
    "GCP, jsonPayload": Form(
        _records(
            lambda e: {
                "jsonPayload": {"message": e.text, "_HOSTNAME": "node7"},
                "resource": {"type": "gce_instance", "labels": {"instance_id": "123"}},
                "timestamp": e.iso,
            }
        )
    ),
    "GCP, jsonPayload.MESSAGE, pretty": Form(
        _document(lambda found: [{"jsonPayload": {"MESSAGE": e.text}, "timestamp": e.iso} for e in found], 2)
    ),
    "Azure": Form(_records(lambda e: {"TimeGenerated": e.iso, "Computer": "node7", "SyslogMessage": e.stamped})),
    "Filebeat": Form(
        _records(lambda e: {"@timestamp": e.iso, "host": {"name": "node7"}, "message": e.text, "process": {"name": "kernel"}})
    ),
    "Filebeat with the original": Form(
        _records(lambda e: {"@timestamp": e.iso, "event": {"original": e.text}, "message": e.text, "log": {"file": "x"}})
    ),
    "Elastic's hits": Form(
        _document(
            lambda found: {"hits": {"hits": [{"_id": "a", "_source": {"@timestamp": e.iso, "message": e.text}} for e in found]}}
        )
    ),
    "Elastic's hits, pretty": Form(
        _document(
            lambda found: {"hits": {"total": 9, "hits": [{"_source": {"message": e.text, "@timestamp": e.iso}} for e in found]}},
            2,
        )
    ),
    "Fluent Bit's stdout": Form(
        lambda found: "".join(
            f"[{n}] kernel: [{e.epoch / 1e6:.6f}, {_ruby({'priority': 6, 'msg': e.text})}]\n" for n, e in enumerate(found)
        )
    ),
    "Fluent Bit 2's stdout": Form(
        _each(lambda e: f"[0] kernel: [[{e.epoch / 1e6:.6f}, {{}}], {_ruby({'msg': e.text, 'priority': 6})}]")
    ),
    "Fluent Bit's json_lines": Form(_records(lambda e: {"date": e.epoch / 1e6, "log": e.text, "kubernetes": _POD})),
    "fluentd's file": Form(
        _each(lambda e: f"{e.date('%Y-%m-%dT%H:%M:%S+00:00')}\tkern.messages\t" + json.dumps({"message": e.text}))
    ),
    "fluentd's stdout": Form(
        _each(lambda e: f"{e.date('%Y-%m-%d %H:%M:%S.%f +0000')} kern: " + json.dumps({"message": e.stamped}))
    ),
    "Vector": Form(
        _records(lambda e: {"host": "node7", "message": e.text, "source_type": "journald", "timestamp": e.iso})
    ),
    "Splunk, CSV": Form(
        _csv(["_time", "host", "_raw"], lambda e: [e.date("%Y-%m-%dT%H:%M:%S.000+0000"), "node7", e.stamped], csv.QUOTE_ALL)
    ),
    "Splunk, CSV, the text first": Form(
        _csv(["_raw", "_time"], lambda e: [e.text, e.date("%Y-%m-%dT%H:%M:%S.000+0000")], csv.QUOTE_ALL)
    ),
    "Splunk, JSON": Form(
        _records(lambda e: {"preview": False, "result": {"_time": e.iso, "host": "node7", "_raw": e.stamped}})
    ),
    "CSV without a header": Form(
        lambda found: _csv([], lambda e: [e.iso, "node7", e.stamped], csv.QUOTE_ALL)(found).lstrip("\r\n")
    ),
    "logfmt": Form(_each(_logfmt)),
    "logfmt, line=": Form(_each(lambda e: _logfmt(e, "line"))),
    "logfmt, the text first": Form(_each(lambda e: f"msg={json.dumps(e.text)} time={e.iso} host=node7")),
    "logrus": Form(_each(lambda e: f'time="{e.iso}" level=warning msg={json.dumps(e.text)}')),
    "klog JSON": Form(_records(lambda e: {"ts": e.epoch / 1e6, "v": 0, "msg": e.stamped})),
    "zap": Form(_records(lambda e: {"level": "warn", "ts": e.epoch / 1e6, "caller": "kmsg/x.go:12", "msg": e.text})),
    "pino": Form(_records(lambda e: {"level": 40, "time": e.epoch // 1000, "hostname": "node7", "msg": e.text})),
    "OpenTelemetry": Form(
        _document(
            lambda found: {
                "resourceLogs": [
                    {
                        "scopeLogs": [
                            {"logRecords": [{"timeUnixNano": str(e.epoch * 1000), "body": {"stringValue": e.text}} for e in found]}
                        ]
                    }
                ]
            }
        )
    ),
    "Datadog": Form(_document(lambda found: {"data": [{"attributes": {"timestamp": e.iso, "message": e.text}} for e in found]}, 2)),
    "an unknown field": Form(_records(lambda e: {"when": e.iso, "kernelOutput": e.stamped, "weight": 5})),
    "Ansible, stdout_lines": Form(
        _document(lambda found: {"changed": True, "stdout": "\n".join(e.stamped for e in found), "stdout_lines": [e.stamped for e in found]}, 4)
    ),
    "Ansible's output": Form(
        lambda found: "ok: [node7] => " + _json({"msg": [e.stamped for e in found]}, indent=4)
    ),
    "Ansible, two hosts' results": Form(
        _document(lambda found: {"plays": [{"tasks": [{"hosts": {"node7": {"stdout_lines": [e.stamped for e in found]}}}]}]}, 4)
    ),
    "JSON, an array of lines": Form(_document(lambda found: [e.stamped for e in found])),
    "JSON, an array of lines, pretty": Form(_document(lambda found: [e.stamped for e in found], 2)),
    "JSON, an array of lines without stamps": Form(_document(lambda found: [e.text for e in found], 2), has_time=False),
    "JSON, a string of lines": Form(_document(_plain)),
    "JSON, a string of lines, CRLF": Form(_document(lambda found: _plain(found).replace("\n", "\r\n"))),
    "JSON, an object with lines": Form(_document(lambda found: {"output": _plain(found), "rc": 0}, 2)),
    "JSON, cut at both ends": Form(
        lambda found: "\n".join(_json([{"message": e.text, "timestamp": e.iso} for e in found], indent=2).split("\n")[2:-3])
    ),
    "Go's escapes": Form(lambda found: _plain(found).replace("\n", "\\n")),
    "Go's escapes in a message": Form(lambda found: f"ts={found[0].iso} level=info msg={json.dumps(_plain(found))}\n"),
    "HTML, line breaks": Form(_html(lambda line: f"{line}<br>\n")),
    "HTML, a paragraph": Form(_html(lambda line: f"{line}<br />\n", "<p>", "</p>\n")),
    "HTML in a line": Form(_html(lambda line: f"{line}<br/>")),
    "HTML, hard blanks": Form(_html(lambda line: line.replace("  ", "&nbsp; ") + "<br>\n")),
    "HTML, preformatted": Form(_html(lambda line: f"{line}\n", "<pre><code>", "</code></pre>\n")),
    "HTML, divisions": Form(_html(lambda line: f'<div class="line">{line}</div>\n')),
    "HTML, a table": Form(_html(lambda line: f"<tr><td>{line}</td></tr>\n")),
    "tabs": Form(_each(lambda e: e.stamped.replace("    ", "\t"))),
    "quoted-printable": Form(_quoted_printable),
    "a mail": Form(
        lambda found: b"Subject: oom\nContent-Transfer-Encoding: quoted-printable\n\n" + _quoted_printable(found)
    ),
    "wrapped at 72 by words": Form(_wrapped(72, words=True)),
    "wrapped at 76 by words": Form(_wrapped(76, words=True)),
    "wrapped at 80": Form(_wrapped(80, words=False)),
    "wrapped at 100": Form(_wrapped(100, words=False)),
    "quoted and wrapped": Form(
        lambda found: "".join(f"> {line}\n" for line in _wrapped(74, words=True)(found).split("\n")[:-1])
    ),
    "Android's logcat": Form(_each(lambda e: f"{e.date('%m-%d %H:%M:%S.000')}     0     0 I kernel  : {e.text}")),
    "Android's logcat -v time": Form(_each(lambda e: f"{e.date('%m-%d %H:%M:%S.000')} W/kernel  (    0): {e.text}")),
    "last_kmsg": Form(_each(lambda e: f"<6>{e.stamped.partition('] ')[0]}] c3   4101 {e.text}")),
    "Samsung": Form(_each(lambda e: f"<6>{e.stamped.partition('] ')[0]}]  [3:         worker: 4101] {e.text}")),
    "MediaTek": Form(_each(lambda e: f"<6>{e.stamped.partition('] ')[0]}] (3)[4101:worker]{e.text}")),
    "Qualcomm": Form(_each(lambda e: f"{e.stamped.partition('] ')[0]} / {e.date('%m-%d %H:%M:%S.000')}] {e.text}")),
    "OpenWrt": Form(_each(lambda e: f"{e.date('%a %b %d %H:%M:%S %Y')} kern.warn kernel: {e.stamped}")),
    "Talos": Form(_each(lambda e: f"10.5.0.2: kern: warning: [{e.iso}]: {e.text}")),
    "vmware.log": Form(_each(lambda e: f"{e.iso} In(05) vcpu-5 - Guest: <6>{e.stamped}")),
    "vmware.log, no stamps": Form(_each(lambda e: f"{e.iso}| vcpu-5| I005: Guest: {e.text}")),
    "pstore": Form(lambda found: "Panic#2 Part1\n" + _each(lambda e: f"<4>{e.stamped}")(found)),
    "GitHub Actions": Form(_each(lambda e: f"{e.iso[:-1]}0Z {e.stamped}")),
    "a serial console's dates": Form(_each(lambda e: f"[{e.date('%a %b %d %H:%M:%S %Y')}] {e.stamped}")),
    "an unknown prefix": Form(_each(lambda e: f"<<{e.date('%Y/%m/%d %H:%M:%S')}>> node-7/kern ## {e.stamped}")),
    "an unknown prefix, no stamps": Form(_each(lambda e: f"{e.date('%Y-%m-%d %H:%M:%S')} WARN klogd node-7: {e.text}")),
    "CRI, in parts": Form(
        _each(lambda e: f"{e.iso} stdout P {e.stamped[:70]}\n{e.iso} stdout F {e.stamped[70:]}")
    ),
    "netconsole, extended, with the release": Form(
        lambda found: "".join(f"6.12.0,4,{n},{int(float(e.stamped[1:].partition(']')[0]) * 1e6)},-;{e.text}\n" for n, e in enumerate(found))
    ),
    "logcat by a user's name, without a tag": Form(_each(lambda e: f"{e.date('%m-%d %H:%M:%S.000')}  root     0     0 W         : {e.text}")),
    "a table in Markdown": Form(lambda found: "| time | text |\n|---|---|\n" + _each(lambda e: f"| {e.iso} | {e.stamped} |")(found)),
    "a table in Markdown, code": Form(_each(lambda e: f"| {e.iso} | n7 | `{e.text}` |")),
    "code, a line each": Form(_each(lambda e: f"`{e.stamped}`")),
    "tags that nobody knows": Form(_each(lambda e: f"<r><v k='_raw'>{html.escape(e.stamped, quote=False)}</v></r>")),
    "SQL": Form(_each(lambda e: f"(1, '{e.iso}', '{e.stamped}'),")),
    "cat -A": Form(_each(lambda e: e.stamped + "$")),
    "a list in YAML": Form(lambda found: "lines:\n" + _each(lambda e: f"  - '{e.stamped}'")(found)),
    "GCP, YAML": Form(_each(lambda e: f"---\ninsertId: x\ntextPayload: '{e.stamped}'\ntimestamp: '{e.iso}'")),
    "logfmt in single quotes": Form(_each(lambda e: f"time={e.iso} level=warn msg='{e.text}'")),
    "logfmt with a line of the logger's source": Form(_each(lambda e: f"ts={e.iso} caller=k.go:1 msg={json.dumps(e.stamped)} x=1")),
    "a number after the text": Form(_each(lambda e: f"EVENTS\t{e.epoch // 1000}\t{e.stamped}\t{e.epoch // 1000}")),
    "blanks after the text": Form(_each(lambda e: e.stamped + "   ")),
    "ABRT": Form(_each(lambda e: f":{e.text}"), has_time=False),
    "semicolons and quotes": Form(_each(lambda e: f'"{e.iso}";"n7";"{e.stamped}"')),
    "JSON, a row a list": Form(_document(lambda found: {"columns": ["t", "x"], "rows": [[e.iso, e.text] for e in found]})),
    "JSON, names and values": Form(
        _document(lambda found: {"results": [[{"field": "m", "value": e.text}, {"field": "t", "value": e.iso}] for e in found]})
    ),
    "JSON, columns": Form(_document(lambda found: {"Zeit": [e.iso for e in found], "Zeile": [e.stamped for e in found]})),
    "JSON in a language that nobody knows": Form(_records(lambda e: {"a": {"zeile": [e.text]}, "zeit": e.iso})),
    "old Macs' lines": Form(lambda found: _plain(found).replace("\n", "\r")),
    "UTF-32": Form(lambda found: b"\xff\xfe\0\0" + _plain(found).encode("utf-32-le")),
    "no-break spaces in Latin-1": Form(lambda found: _plain(found).replace("  ", "\u00a0 ").encode("latin-1")),
    "thin spaces": Form(lambda found: _plain(found).replace("  ", "\u2009 ")),
    "zeros before the text": Form(lambda found: "\0" * 99 + _plain(found)),
    "Docker's json-file, in parts": Form(_docker_parts),
    "quoted twice and wrapped": Form(
        lambda found: "".join(f"> > {line}\n" for line in _wrapped(70, words=True)(found).split("\n")[:-1])
    ),
    "a list as Python prints it": Form(lambda found: repr([e.stamped for e in found]) + "\n"),
    "a list of bytes as Python prints it": Form(lambda found: repr([e.stamped.encode() for e in found]) + "\n"),
    "mappings as Python prints them": Form(_each(lambda e: repr({"time": e.iso, "message": e.text}))),
    "logcat -v long": Form(_each(lambda e: f"[ {e.date('%m-%d %H:%M:%S.000')}     0:    0 W/kernel   ]\n{e.text}\n")),
    "logcat with a zone": Form(_each(lambda e: f"{e.date('%m-%d %H:%M:%S.000')} +0000     0     0 W kernel  : {e.text}")),
    "GCP, YAML, by the kernel's text": Form(
        _each(lambda e: f"---\ninsertId: x\njsonPayload:\n  MESSAGE: {json.dumps(e.text)}\nlogName: k\ntimestamp: '{e.iso}'")
    ),
    "YAML, folded": Form(lambda found: "".join("---\n" + yaml.safe_dump({"textPayload": e.text, "timestamp": e.iso}) for e in found)),
    "YAML, a list": Form(lambda found: yaml.safe_dump([{"t": e.iso, "message": e.stamped} for e in found])),
    "the date in an object beside": Form(_records(lambda e: {"meta": {"time": e.iso}, "data": {"message": e.text}})),
    "the date as MongoDB exports it": Form(
        _records(lambda e: {"ts": {"$date": {"$numberLong": str(e.epoch // 1000)}}, "msg": e.text})
    ),
    "a date of seconds and nanoseconds": Form(
        _records(lambda e: {"timestamp": {"seconds": e.epoch // 10**6, "nanos": e.epoch % 10**6 * 1000}, "textPayload": e.text})
    ),
    "journalctl -o export": Form(
        lambda found: "".join(
            f"__CURSOR=s=1\n__REALTIME_TIMESTAMP={e.epoch}\n_TRANSPORT=kernel\nMESSAGE={e.text}\n_HOSTNAME=node7\n\n" for e in found
        )
    ),
    "zero bytes between records": Form(
        lambda found: "".join(json.dumps({"host": "n7", "short_message": e.text, "timestamp": e.epoch / 1e6}) + "\0" for e in found)
    ),
    "syslog with lengths": Form(
        lambda found: "".join(f"{len(m)} {m}" for e in found for m in [f"<6>1 {e.iso} node7 kernel - - - {e.text}"])
    ),
    "netconsole, extended, in fragments": Form(_fragments),
    "multilog": Form(_each(lambda e: f"@{(1 << 62) + 37 + e.epoch // 10**6:016x}{e.epoch % 10**6 * 1000:08x} {e.text}")),
    "svlogd": Form(_each(lambda e: f"{e.date('%Y-%m-%d_%H:%M:%S.%f')} {e.text}")),
    "s6-log": Form(_each(lambda e: f"{e.date('%Y-%m-%d %H:%M:%S.%f')}  {e.text}")),
    "glog": Form(_each(lambda e: f"W{e.date('%m%d %H:%M:%S.%f')}       1 kmsg.go:42] {e.text}")),
    "Papertrail": Form(_each(lambda e: f"{e.date('%b %d %H:%M:%S')} node7 kernel:  {e.stamped}")),
    "crash's log -m": Form(_each(lambda e: f"{e.stamped.partition(']')[0]}] <4>{e.text}")),
    "Kibana, CSV": Form(
        _csv(["@timestamp", "host.name", "message"], lambda e: [e.date("%b %d, %Y @ %H:%M:%S.000"), "node7", e.text], csv.QUOTE_ALL)
    ),
    "Sumo Logic, CSV": Form(_csv(["_messagetimems", "_raw"], lambda e: [str(e.epoch // 1000), e.text], csv.QUOTE_ALL)),
    "pdsh": Form(_each(lambda e: f"h1: {e.stamped}")),
    "pdsh, no stamps": Form(_each(lambda e: f"h1: {e.text}"), has_time=False),
    "indented, no stamps": Form(_each(lambda e: f"    {e.text}"), has_time=False),
    "a list, no stamps": Form(_each(lambda e: f"* {e.text}"), has_time=False),
    "a comment, no stamps": Form(_each(lambda e: f"# {e.text}"), has_time=False),
    "a patch, no stamps": Form(_each(lambda e: f"+{e.text}"), has_time=False),
    "grep -n, no stamps": Form(lambda found: "".join(f"{n}:{e.text}\n" for n, e in enumerate(found, 7)), has_time=False),
    "cat -n, no stamps": Form(
        lambda found: "".join(f"{n:6}\t{e.text}\n" for n, e in enumerate(found, 95)), has_time=False
    ),
    "less -N, no stamps": Form(
        lambda found: "".join(f"{n:7} {e.text}\n" for n, e in enumerate(found, 1)), has_time=False
    ),
    "tabs for two blanks": Form(_each(lambda e: e.stamped.replace("  ", "\t"))),
    "wrapped at hyphens": Form(
        lambda found: "".join(line + "\n" for e in found for line in textwrap.wrap(e.stamped, 72))
    ),
    "a node's event": Form(
        lambda found: _json(
            {
                "verb": "ADDED",
                "event": {"reason": "OOMKilling", "message": _kill(found).text, "firstTimestamp": found[-1].iso},
            },
            indent=2,
        )
    ),
}  # fmt: skip


def _kill(found: list[Entry]) -> Entry:
    return next(entry for entry in found if "Killed process" in entry.text)
