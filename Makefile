# The front door. make demo: see it work. make test: all tests. make help: the rest.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MVN := mvn -B -ntp -q
HOME_DIR := dist/target/weightloom
ARCHIVE := $(HOME_DIR)/warm-up.log

.PHONY: help tools build demo test quick fmt docs bench bench-kernels golden clean

help:
	@echo 'make demo           build, make a small trained zoo, merge it four ways, compare the accuracies'
	@echo 'make test           all tests (needs a JDK 17 or later, and Maven)'
	@echo 'make quick          the unit tests of core and arrow-io but the thorough ones: for the hands at work'
	@echo 'make build          $(HOME_DIR): the jar, an embedded Spark, the launcher'
	@echo 'make fmt            format the sources'
	@echo 'make docs           write the generated parts of the documentation'
	@echo 'make bench          whole processes against mergekit and the floor (needs Python, 20 GB of disk)'
	@echo 'make bench-kernels  JMH: bytes per second of each kernel, SIMD and scalar'
	@echo 'make golden         make the golden data again (needs Python)'

tools:
	@command -v javac > /dev/null || { echo 'Cannot build: there is no javac (apt-get install openjdk-17-jdk-headless)'; exit 1; }
	@v=$$(javac -version 2>&1 | sed 's/[^0-9]*\([0-9]*\).*/\1/'); [ "$$v" -ge 17 ] || { echo "Cannot build: javac is version $$v, 17 or later is needed (apt-get install openjdk-17-jdk-headless)"; exit 1; }
	@command -v mvn > /dev/null || { echo 'Cannot build: there is no mvn (apt-get install maven)'; exit 1; }

build: tools
	@$(MVN) package -DskipTests
	@$(MAKE) --no-print-directory $(ARCHIVE)

# Classes laid out for this JVM: a start takes half the time.
$(ARCHIVE): $(HOME_DIR)/lib/weightloom.jar
	@bin/weightloom warm-up > $@ 2>&1 || { cat $@; rm -f $@; exit 1; }

demo: build
	@dev/demo.sh

test: tools
	@dev/test.sh

quick: tools
	@$(MVN) install -DskipTests -Dspotless.check.skip -pl testkit
	@$(MVN) test -pl testkit,core,arrow-io -DexcludedGroups=thorough -DforkCount=2

fmt: tools
	@$(MVN) spotless:apply

docs: build
	@dev/docs.sh

bench: build
	@dev/bench.sh

bench-kernels: build
	@$(MVN) package -DskipTests -pl bench -am
	@dev/bench-kernels.sh

golden:
	@dev/golden/all.sh

clean: tools
	@$(MVN) clean
	@rm -rf build
