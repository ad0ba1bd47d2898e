# Stands for OpenWrt's build system: carries out the recipes that a package defines, one target for each.
# Every file that a package's Makefile includes is this one.

ifndef INSTALL_BIN
CP:=cp -fpR
INSTALL_DIR:=install -d -m0755
INSTALL_BIN:=install -m0755
INSTALL_DATA:=install -m0644
INSTALL_CONF:=install -m0600

define Build/Compile/Cargo
	echo cargo-install --profile $(CARGO_PKG_PROFILE) --features "$(strip $(RUST_PKG_FEATURES))" --path $(1) $(2)
endef

# $(1) package: its files below ROOT, and its fields.
define BuildPackage
.PHONY: install-$(1) fields-$(1)
install-$(1):
	$$(call Package/$(1)/install,$$(ROOT))
fields-$(1):
	$$(info $$(Package/$(1)))
	$$(info conffiles $$(Package/$(1)/conffiles))
	@:
endef

HostBuild=

.PHONY: prepare compile host-prepare host-compile host-install
prepare:
	$(Build/Prepare)
compile:
	$(Build/Compile)
host-prepare:
	$(Host/Prepare)
host-compile:
	$(Host/Compile)
host-install:
	$(Host/Install)
endif
