/** What a host calls; bindings/abi/v1/README.md is the contract. */
export {
  abi_version,
  apply,
  base,
  deadline,
  events,
  extent,
  init,
  plan,
  run as process,
} from './path/instance';
