# One command on the far side of ssh or sudo. Read whole from standard input before anything runs; what stays open of it
# is the lease: its end, or a word on it, ends the command's whole tree. The lines before this text have set
#   t  the token that signs carry        m  what marks the command's environment
#   g  the grace in tenths of a second   e  puts the environment      c  enters the directory
#   i  the standard input, as I says (none, text, escaped)            "$@"  the command; none: only end what carries the mark
# POSIX only: it runs in whatever `sh` is over there.
exec 3<&0 4>&2 0</dev/null 2>/dev/null

s() { printf '%s %s\n' "$t" "$*" >&4; }

# Its live processes ($p is its first one): its session and group, what carries its mark, and the descendants of all of these.
l() {
  k=" $p "
  a=
  if [ -r /proc/self/stat ]; then
    for f in $(grep -lsF -e "RBK_FAR=$m" /proc/[0-9]*/environ); do
      f=${f#/proc/}
      k="$k${f%/*} "
    done
    x=$(cat /proc/[0-9]*/stat)
    IFS=$n
    set -- $x
    unset IFS
    for x; do
      f=${x%% *}
      case $f in *[!0-9]*) continue ;; esac
      x=${x##*) }
      f="${x%% *} $f "
      x=${x#* }
      a="$a$f${x%% *} "
      x=${x#* }
      a="$a${x%% *} "
      x=${x#* }
      a="$a${x%% *} "
    done
  else
    a=$(ps -A -o state= -o pid= -o ppid= -o pgid= -o pgid=)
  fi
  o=
  while [ "$o" != "$k" ]; do
    o=$k
    r=
    set -- $a
    while [ $# -ge 5 ]; do
      y=
      case $2 in
        # Never the first process, nor this one.
        1 | $$) ;;
        *)
          case $k in
            *" $2 "*) y=1 ;;
            *" $3 "* | *" $4 "* | *" $5 "*) y=1; k="$k$2 " ;;
          esac
          ;;
      esac
      case $1$y in Z1 | X1) ;; *1) r="$r $2" ;; esac
      shift 5
    done
  done
  printf '%s' "$r"
}

# A tenth of a second, or what there is.
h() { sleep 0.1 || sleep 1; }

# KILL until none is left, for five seconds.
y() {
  u=$(($(date +%s) + 5))
  while :; do
    x=$(l)
    [ -n "$x" ] || return 0
    kill -KILL $x
    [ "$(date +%s)" -lt "$u" ] || return 0
    h
  done
}

# TERM, the grace, KILL.
z() {
  j=$g
  u=$(($(date +%s) + g / 10 + 1))
  b=' '
  while :; do
    x=$(l)
    [ -n "$x" ] || return 0
    for q in $x; do
      case $b in *" $q "*) continue ;; esac
      b="$b$q "
      kill -TERM "$q"
      kill -CONT "$q"
    done
    [ "$j" -gt 0 ] && [ "$(date +%s)" -le "$u" ] || break
    j=$((j - 1))
    h
  done
  y
}

# The lease. `t`: end it; `k`: at once. Whoever holds the other end is gone: end it too.
w() {
  q=
  IFS= read -r q <&3
  case $q in
    k) y ;;
    t)
      z &
      q=
      IFS= read -r q <&3
      case $q in k) y ;; esac
      wait
      ;;
    *) z ;;
  esac
}

case $# in
  0)
    # No process's number, parent or group is this: only what carries the mark is ended.
    p=none
    y
    s ended 0 $(l)
    exit 0
    ;;
esac
if ! c; then
  s nodir
  exit 0
fi
d=
command -v setsid >/dev/null && d=setsid
s started
printf '%s started\n' "$t"
case $I in
  none) (e; exec $d "$@") 2>&4 4>&- 3<&- & ;;
  text) printf %s "$i" | (e; exec $d "$@") 2>&4 4>&- 3<&- & ;;
  escaped) printf %b "$i" | (e; exec $d "$@") 2>&4 4>&- 3<&- & ;;
esac
p=$!
w &
v=$!
wait "$p"
r=$?
x=
b=' '
case $r in 0) ;; *) z ;; esac
case $b in ' ') ;; *) x=$(l) ;; esac
kill "$v"
s ended "$r" $x
exit "$r"
