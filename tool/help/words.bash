# shellcheck shell=bash disable=SC2154
# Checks a command line for ./fata before the command itself is built, and rejects it with the
# command's own messages (tool/src/usage.cpp). The help files beside this one define the commands
# and options. Uses `root` and die() of ./fata.

positional=() unknown=() dashes=0
declare -A given=()

refuse() { die "$1" 64; }

# distance A B: the number of letters to insert, delete, change or swap with a neighbour.
distance() {
  local a=$1 b=$2 i j best cost
  local -A d
  for ((i = 0; i <= ${#a}; i++)); do
    for ((j = 0; j <= ${#b}; j++)); do
      if ((i == 0 || j == 0)); then d[$i,$j]=$((i + j)); continue; fi
      cost=1
      if [[ ${a:i-1:1} == "${b:j-1:1}" ]]; then cost=0; fi
      best=$((d[$((i - 1)),$((j - 1))] + cost))
      if ((d[$((i - 1)),$j] + 1 < best)); then best=$((d[$((i - 1)),$j] + 1)); fi
      if ((d[$i,$((j - 1))] + 1 < best)); then best=$((d[$i,$((j - 1))] + 1)); fi
      if ((i > 1 && j > 1)) && [[ ${a:i-1:1} == "${b:j-2:1}" && ${a:i-2:1} == "${b:j-1:1}" ]] &&
        ((d[$((i - 2)),$((j - 2))] + 1 < best)); then
        best=$((d[$((i - 2)),$((j - 2))] + 1))
      fi
      d[$i,$j]=$best
    done
  done
  printf '%s\n' "${d[${#a},${#b}]}"
}

# letters WORD: their number, without the dashes in front.
letters() {
  local word=${1#-}
  word=${word#-}
  printf '%s\n' "${#word}"
}

# nearest WORD KNOWN...: prints the word that was probably meant, or nothing. Of three letters, one
# may be wrong; of more, two. Dashes do not count.
nearest() {
  local word=$1 one far best='' least=3 allowed
  shift
  for one; do
    far=$(distance "$word" "$one")
    allowed=1
    if (($(letters "$word") > 3 && $(letters "$one") > 3)); then allowed=2; fi
    if ((far < least && far <= allowed)); then least=$far best=$one; fi
  done
  printf '%s\n' "$best"
}

commands() { sed -n '/^Subcommands:$/,/^$/s/^  \([a-z]\+\) .*/\1/p' "$root/tool/help/fata.txt"; }

# options COMMAND: prints its options, one per line, followed by "=" if the option takes a value.
options() {
  local line='^  \(-[^ ]*\) *\([A-Z[]\{2,\}[^ ]*\)\{0,1\}.*'
  sed -n "/^Options:\$/,/^\$/s/$line/\1 \2/p" "$root/tool/help/$1.txt" |
    while read -r names value; do
      for name in ${names//,/ }; do printf '%s%s\n' "$name" "${value:+=}"; done
    done
}

has_line() { grep -qxF -e "$2" <<<"$1"; }

# A pipe into `grep -q` would fail now and then: grep ends at the first match, and the writer gets
# SIGPIPE.
has_option() {  # has_option COMMAND NAME
  local all
  all=$(options "$1")
  has_line "$all" "$2" || has_line "$all" "$2="
}

check_command() {
  local word=$1 known name=${1%%=*} one meant
  known=$(commands)
  if has_line "$known" "$word"; then return; fi
  if [[ $word == -* ]]; then
    for one in $known; do
      if [[ $name != -h && $name != --help ]] && has_option "$one" "$name"; then
        refuse "$name goes after the command, as in \`fata $one $name\`"
      fi
    done
    meant=$(nearest "$word" --help --version)
    if [[ -n $meant ]]; then refuse "no option '$word'; did you mean $meant?"; fi
    refuse "no option '$word'; name a command first: \`fata help\` lists them"
  fi
  # shellcheck disable=SC2086
  meant=$(nearest "$word" $known)
  if [[ $word == version ]]; then meant=--version; fi
  if [[ -n $meant ]]; then refuse "no command '$word'; did you mean $meant?"; fi
  refuse "no command '$word'; \`fata help\` lists them"
}

unknown_option() {  # unknown_option COMMAND WORD [NEXT-WORD]
  local command=$1 word=$2 name=${2%%=*} one meant shown=$2 app=${positional[0]-}
  local dashed=$name
  if [[ $name != --* ]]; then dashed=-$name; fi
  # shellcheck disable=SC2046
  meant=$(nearest "$dashed" $(options "$command" | sed -n 's/=$//; /^--/p'))
  if [[ -n $meant ]]; then refuse "fata $command: no option $name; did you mean $meant?"; fi
  for one in $(commands); do
    if has_option "$one" "$name"; then
      refuse "fata $command: $name is an option of \`fata $one\`"
    fi
  done
  if [[ $command != run ]]; then
    refuse "The following argument was not expected: $name (--help explains)"
  fi
  if [[ $word == "$name" && -n ${3-} && $3 != -* ]]; then
    shown=$word=$3
    # The value was not an application's folder.
    if [[ $app == "$3" ]]; then app=; fi
  fi
  if [[ -n $app ]]; then app+=' '; fi
  refuse "fata run: no option $name; if it is the image's, write it after --, $(
    # shellcheck disable=SC2016
    printf 'as in `fata run %s-- %s`' "$app" "$shown")"
}

# Fills `positional` and `given` (by option name) from the words before "--".
read_words() {
  local command=$1 known name plain value
  known=$(options "$command")
  shift
  while (($#)) && [[ $1 != -- ]]; do
    case $1 in
      --*=*) name=${1%%=*} value=${1#*=} ;;
      --* | -?) name=$1 value= ;;
      -?*) name=${1:0:2} value=${1:2} ;;
      *) positional+=("$1"); shift; continue ;;
    esac
    if has_line "$known" "$name="; then
      plain=$name
      if [[ $name == -t ]]; then name=--target; fi
      if [[ $1 == "$plain" ]]; then
        if (($# < 2)) || [[ $2 == -- ]]; then
          refuse "$name: its value is missing (--help explains)"
        fi
        value=$2
        shift
      elif [[ $1 == --*= ]]; then
        refuse "$name: its value is missing (--help explains)"
      fi
      if [[ -z $value ]]; then refuse "fata $command: $name is empty (--help explains)"; fi
      given[$name]=$value
    elif has_line "$known" "$name"; then
      given[$name]=1
    else
      unknown+=("$1" "${2-}")
    fi
    shift
  done
  if (($# > 1)); then dashes=1; fi
}

# one_of OPTION WHAT VALUE...: rejects any other value of the option.
one_of() {
  local option=$1 what=$2 value=${given[$1]-} list
  shift 2
  if [[ -z $value ]] || has_line "$(printf '%s\n' "$@")" "$value"; then return; fi
  list=$(printf ', %s' "${@:1:$#-1}")
  if [[ $option == --target ]]; then option=-t; fi
  refuse "$option $value: the $what are ${list:2} and ${*: -1}"
}

check_folder() {
  local app=$1
  if [[ ! -e $app ]]; then
    local above
    above=$(dirname -- "$app")
    if [[ -e $above && ! -x $above ]]; then return; fi  # the command knows why
    refuse "$app: no such folder; name an application's folder"
  fi
  if [[ (! -d $app || -x $app) && ! -e $app/config.cpp ]]; then
    refuse "$app: contains no config.cpp; \`fata new NAME\` makes an application"
  fi
}

check_new() {
  local name=${positional[0]-} file whose
  if [[ -n ${given[--template]-} && ! ${given[--template]} =~ ^(console|udp|tcp|block)$ ]]; then
    refuse "fata new --template ${given[--template]}: the templates are console, udp, tcp, block"
  fi
  if [[ -z $name || $name == . ]]; then return; fi
  file=$(basename -- "$name")
  whose='a name is'
  if [[ $file != "$name" ]]; then whose="its name '$file' must be"; fi
  if [[ ! $file =~ ^[a-z][a-z0-9-]*$ ]]; then
    refuse "fata new '$name': $whose lower case letters, digits and hyphens"
  fi
  if [[ -e $name || -L $name ]]; then
    refuse "fata new $name: $name exists already; choose another name"
  fi
}

check_run() {
  local target=${given[--target]-linux}
  if [[ -n ${given[--lab]-} && $target != xen ]]; then refuse "--lab: is for -t xen"; fi
  if [[ $target == kvm ]]; then
    one_of --accel accelerators kvm tcg
    one_of --machine machines microvm pc q35
    if [[ ${given[--memory]-} =~ ^0*[01]$ ]]; then
      refuse "--memory ${given[--memory]}: a guest needs 2 MiB or more"
    fi
  fi
  if [[ $target != sim ]]; then
    if [[ -n ${given[--seed]-} ]]; then refuse "--seed: is for -t sim"; fi
    if [[ -n ${given[--for]-} ]]; then refuse "--for: is for -t sim"; fi
  fi
  if [[ -n ${given[--seed]-} && ! ${given[--seed]} =~ ^[0-9]+$ ]]; then
    refuse "--seed: must be a whole number (--help explains)"
  fi
  if [[ -n ${given[--for]-} && ! ${given[--for]} =~ ^[0-9.]+(ns|us|ms|s|m|h)$ ]]; then
    refuse "--for ${given[--for]}: write a time such as 250ms or 1.5s"
  fi
  if [[ -n ${given[--memory]-} && ! ${given[--memory]} =~ ^[0-9]+$ ]]; then
    refuse "--memory: must be a whole number of MiB (--help explains)"
  fi
}

check_topic() {
  local topic=$1 meant
  # shellcheck disable=SC2046
  if has_line "$(commands)" "$topic"; then return; fi
  # shellcheck disable=SC2046
  meant=$(nearest "$topic" $(commands))
  if [[ -n $meant ]]; then
    refuse "fata help $topic: there is no such command; did you mean $meant?"
  fi
  refuse "fata help $topic: there is no such command; \`fata help\` lists them"
}

check_values() {
  local target=${given[--target]-linux} net=${given[--net]-}
  one_of --target targets linux kvm xen sim
  one_of --net stacks host direct
  if [[ $net == host && $target == sim ]]; then
    refuse "--net host: a simulated image has no host; leave it out, or use -t linux"
  fi
  if [[ $net == host && $target != linux ]]; then
    refuse "--net host: a kernel has no host to lend it sockets; leave it out, or use -t linux"
  fi
  if [[ -n ${given[--plain]-} && $target =~ ^(linux|sim)$ ]]; then
    refuse "--plain: a process is not packed; use it with -t kvm or -t xen"
  fi
}

# check_line WORD...: checks the whole command line.
check_line() {
  local command=${1-} most=1 first
  check_command "$command"
  shift
  read_words "$command" "$@"
  case $command in
    query | help) most=2 ;;
    test) most=0 ;;
  esac
  if ((${#unknown[@]})); then unknown_option "$command" "${unknown[0]}" "${unknown[1]}"; fi
  if [[ $command == help ]]; then
    if [[ -n ${positional[0]-} ]]; then check_topic "${positional[0]}"; fi
    most=1
  fi
  if ((${#positional[@]} > most)); then
    refuse "fata $command: unexpected argument '${positional[most]}' (--help explains)"
  fi
  if ((dashes)) && [[ $command != run ]]; then
    refuse "words after -- are the unikernel's: only \`fata run\` takes them"
  fi
  case $command in
    new) check_new ;;
    help | test) ;;
    *)
      check_values
      first=${positional[0]-.}
      # In `fata query image` the word is a fact, not a folder.
      if [[ $command == query && ${#positional[@]} == 1 && ! -e $first ]] &&
        grep -qwF -e "$first" <<<"$(sed -n 's/^  word TEXT *//p' "$root/tool/help/query.txt")"; then
        first=.
      fi
      check_folder "$first"
      if [[ $command == run ]]; then check_run; fi
      ;;
  esac
}
