# Stands for the router's functions on UCI.
# shellcheck shell=dash

config_load() {
	CONFIG="$1"
}

config_foreach() {
	local function="$1" type="$2" section
	shift 2
	for section in $(uci sections "$CONFIG" "$type"); do
		"$function" "$section" "$@"
	done
}

config_get() {
	eval "$1=\"\$(uci -q get \"\$CONFIG.\$2.\$3\")\""
}
