# Stands for what netifd tells: devices of interfaces, a recorded file each.
# shellcheck shell=dash

network_flush_cache() { :; }

network_get_physdev() {
	[ -e "$REPLAY/device.$2" ] && read -r "$1" <"$REPLAY/device.$2"
}
