# Tell whether a process runs the interpreter of this version, and so may load more of its files.
# Asked twice: while the list is walked, a process may start another whose number was passed.
is_in_use() { # version folder
    for _ in 1 2; do
        for link in /proc/[0-9]*/exe; do
            case $(readlink "$link" 2>/dev/null) in
            "$1"/*) return 0 ;;
            esac
        done
    done
    return 1
}
