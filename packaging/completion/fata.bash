# Completion of the fata command for bash. Commands and options are read from its own help.
_fata() {
  local fata=${COMP_WORDS[0]} current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
  local word commands command= list='/^[A-Za-z]*ommands:$/,/^$/s/^  \([a-z]\+\) .*/\1/p'
  commands=$("$fata" --help 2>/dev/null | sed -n "$list")
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ $word == -- ]] && return  # what follows is the image's
    [[ -z $command && $'\n'$commands$'\n' == *$'\n'"$word"$'\n'* ]] && command=$word
  done
  local candidates=
  case $previous in
    -t|--target) candidates='linux kvm xen' ;;
    --net) candidates='host direct' ;;
    --accel) candidates='kvm tcg' ;;
    --machine) candidates='microvm pc q35' ;;
    --link) candidates='user tap none' ;;
    --build-dir|--disk|--pcap)
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return
      ;;
    *)
      if [[ -z $command || $command == help ]]; then candidates=$commands; fi
      if [[ $current == -* ]]; then
        candidates=$("$fata" ${command:+"$command"} --help 2>/dev/null |
          grep -oE -- '--[a-z][a-z-]*' | sort -u)
      elif [[ -n $command && $command != help && $command != new ]]; then
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -d -- "$current")
        return
      fi
      ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$candidates" -- "$current")
}
complete -F _fata fata
