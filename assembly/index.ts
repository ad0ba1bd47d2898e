/** What a host calls; bindings/abi/v1/README.md is the contract. */
export {
  abi_version,
  apply,
  base,
  deadline,
  entries,
  events,
  extent,
  init,
  lookup,
  plan,
  run as process,
} from './path/instance';
