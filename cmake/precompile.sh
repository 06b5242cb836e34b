#!/bin/sh
# precompile.sh COMMAND...: compiles a precompiled header, and writes the checksum of the headers in
# it to a file beside it. ccache takes this in place of the precompiled header's own bytes, which
# hold the paths of the build folder and are slow to read for each compilation.
"$@" || exit
while [ $# -gt 1 ]; do
  case $1 in
    -o) output=$2 ;;
    -MF) list=$2 ;;
  esac
  shift
done
case $output in
  *.pch) sed -e 's/^[^:]*: *//' -e 's/\\$//' "$list" | xargs cat | sha256sum >"$output.sum" ;;
esac
